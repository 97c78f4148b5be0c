import { leastReplay } from '../method/mixture';
import type { RunSpec } from './spec';
import { showValue, type Finding } from './spec-errors';
import { METHOD_KEYS, methodOf, settled, TUNING_NAMES } from './training-method';
import { BUILTIN_WEIGHTS, looksLikePath } from './weights';

/** Full SFT above this rate destroys a tuned model in a few steps; the paper uses 1e-6. */
const HIGHEST_LEARNING_RATE = 1e-3;

/** Settings of the mixture and the training that do not fit each other, and weights that are no weights. */
export function trainingProblems(spec: RunSpec): Finding[] {
  const { train, mix, target } = spec;
  const findings = methodProblems(train, settled(train), ['train']);
  if (train.lora?.quantize === true && (train.threads !== undefined || train.accelerate === 'cpu')) {
    findings.push({
      at: ['train', 'lora', 'quantize'],
      value: 'true for a training on a CPU',
      expected: 'a GPU: QLoRA keeps its frozen weights in 4 bits, for which it needs CUDA',
      hint: 'set it to false for LoRA, or train on a GPU (without train.threads)',
    });
  }
  if (train.evalSteps !== undefined && mix.holdOut === undefined) {
    findings.push({
      at: ['train', 'evalSteps'],
      value: String(train.evalSteps),
      expected: 'held-out rows to measure the loss on',
      hint: 'hold some out with mix.holdOut',
    });
  }
  if (mix.maxExamples !== undefined) {
    const added = Math.round(mix.maxExamples * mix.newShare);
    if (added < 1 || added >= mix.maxExamples) {
      findings.push({
        at: ['mix', 'maxExamples'],
        value: String(mix.maxExamples),
        expected: `enough examples for both sides of a newShare of ${mix.newShare}`,
        hint: `use at least ${Math.ceil(Math.max(0.5 / mix.newShare, 0.5 / (1 - mix.newShare)) + 1)}`,
      });
    }
  }
  const least = leastReplay(mix.newShare);
  const { instructions } = spec.synthesis.extract;
  if (instructions < least && spec.until !== 'replay') {
    findings.push({
      at: ['synthesis', 'extract', 'instructions'],
      value: String(instructions),
      expected: `at least ${least}, so that a newShare of ${mix.newShare} has room for one new example`,
      hint: 'extract more, or raise mix.newShare',
    });
  }
  const weights = target.weights === undefined ? undefined : weightsProblem(target.weights);
  if (weights !== undefined) findings.push({ at: ['target', 'weights'], ...weights });
  return findings;
}

/**
 * Settings of a method that are of another one, or that it cannot be trained with.
 * @param written as the spec has them
 * @param train with what `written` leaves to others
 */
export function methodProblems(
  written: Pick<RunSpec['train'], 'method' | (typeof METHOD_KEYS)[number]>,
  train: RunSpec['train'],
  at: readonly PropertyKey[],
): Finding[] {
  const findings: Finding[] = [];
  const method = methodOf(written);
  for (const other of METHOD_KEYS) {
    if (written[other] !== undefined && method !== other) {
      findings.push({
        at: [...at, other],
        value: `settings of ${other}`,
        expected: `none, since the method is ${method}`,
        hint: `remove them, or set method to ${other}`,
      });
    }
  }
  if (train.learningRate > HIGHEST_LEARNING_RATE && train.lora === undefined) {
    findings.push({
      at: [...at, 'learningRate'],
      value: String(train.learningRate),
      expected: `at most ${HIGHEST_LEARNING_RATE} for ${TUNING_NAMES[methodOf(train)]}`,
      hint: 'the paper uses 0.000001 (1e-6)',
    });
  }
  if (train.osf !== undefined && train.accelerate !== undefined) {
    findings.push({
      at: [...at, 'method'],
      value: 'osf with train.accelerate',
      expected: 'one device: its projections of the gradients are not known to hold where matrices are in parts',
      hint: 'leave train.accelerate out, or use full or lora',
    });
  }
  if (train.osf !== undefined && train.weightDecay > 0) {
    findings.push({
      at: [...at, 'weightDecay'],
      value: String(train.weightDecay),
      expected: '0 with osf: a decay of its factors leaves the subspace that they are to stay in',
      hint: 'set weightDecay to 0 for this row',
    });
  }
  if (train.distill !== undefined && train.accelerate !== undefined) {
    findings.push({
      at: [...at, 'method'],
      value: 'distill with train.accelerate',
      expected: 'one device: each would hold the student and its teacher whole',
      hint: 'leave train.accelerate out, or use full or lora',
    });
  }
  return [...findings, ...selfDistillationProblems(train, at)];
}

/** What self-distillation cannot be trained with. */
function selfDistillationProblems({ sdft, ...train }: RunSpec['train'], at: readonly PropertyKey[]): Finding[] {
  if (sdft === undefined) return [];
  const findings: Finding[] = [];
  const refuse = (field: string, value: string, expected: string, hint: string): void => {
    findings.push({ at: [...at, field], value, expected, hint });
  };
  if (train.accelerate !== undefined) {
    refuse(
      'method',
      'sdft with train.accelerate',
      'one device: each would sample with the whole model',
      'leave train.accelerate out for it',
    );
  }
  if (train.thoughts === 'keep') {
    refuse(
      'method',
      'sdft with train.thoughts: keep',
      'answers alone: it is shown no thoughts',
      'drop the thoughts, or use another method',
    );
  }
  if (train.packing) {
    refuse('method', 'sdft with train.packing', 'no packing: it samples answers of its own', 'set train.packing to false');
  }
  const batch = train.perDeviceBatchSize * train.gradientAccumulation;
  if (batch % sdft.generations !== 0) {
    refuse(
      'sdft',
      `${sdft.generations} generations in steps of ${batch} answers (perDeviceBatchSize x gradientAccumulation)`,
      'steps that hold all answers to a question',
      `set sdft.generations to a divisor of ${batch}, or gradientAccumulation to a multiple`,
    );
  }
  return findings;
}

function weightsProblem(weights: string): Omit<Finding, 'at'> | undefined {
  if (weights.startsWith('builtin:')) {
    if ((BUILTIN_WEIGHTS as readonly string[]).includes(weights)) return undefined;
    return { value: showValue(weights), expected: BUILTIN_WEIGHTS.join(' or '), hint: 'for other weights give a directory or a hub id' };
  }
  if (looksLikePath(weights) || /^[\w.-]+(\/[\w.-]+)?$/.test(weights)) return undefined;
  const hint = weights.startsWith('~')
    ? '"~" is not expanded here; write the folder out'
    : 'begin a directory with "./", "../" or "/"; write a hub id as ORGANISATION/MODEL';
  return { value: showValue(weights), expected: `a directory, a hub id or ${BUILTIN_WEIGHTS[0]}`, hint };
}

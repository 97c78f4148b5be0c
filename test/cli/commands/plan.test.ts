import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { registerPlan } from '../../../cli/commands/plan';
import { planText } from '../../../cli/plan-text';
import { parseSpec } from '../../../config/load-spec';
import type { RunSpecInput } from '../../../config/spec';
import { DEFAULT_ASSUMPTIONS } from '../../../planning/cost-assumptions';
import { planCost } from '../../../planning/cost-plan';
import { loadSpecFile } from '../../../services/runs/spec-files';
import { validSpec } from '../../config/valid-spec';
import { useTempFolder } from '../../support/temp-folder';

const work = useTempFolder();

interface Printed {
  readonly out: string;
  readonly err: string;
}

async function plan(...args: string[]): Promise<Printed> {
  const texts = { out: '', err: '' };
  const spies = (['out', 'err'] as const).map((name) =>
    jest.spyOn(name === 'out' ? process.stdout : process.stderr, 'write').mockImplementation((text) => {
      texts[name] += String(text);
      return true;
    }),
  );
  try {
    const program = new Command().exitOverride();
    registerPlan(program);
    await program.parseAsync(['plan', ...args], { from: 'user' });
    return texts;
  } finally {
    spies.forEach((spy) => spy.mockRestore());
  }
}

describe('rehearse plan', () => {
  it("shows the paper's 3.7 million calls, its dollars and GPU hours, and all that it assumed", async () => {
    const { out } = await plan('paper', '--assumptions');
    expect(out).toMatch(/^ +total +3,700,000 +3,193,000 /m);
    expect(out).toMatch(/^ +respond +gpt-4 +300,000 /m);
    expect(out).toMatch(
      /^ +dollars +\$[\d,]+; at most \$[\d,]+ when every reply runs to its maxTokens; without a price: llama-3-70b-instruct, qwen2-72b-instruct$/m,
    );
    expect(out).toMatch(/^ +training +12 trainings of 895 steps.+GPU hours each on 32 GPUs, [\d.]+ GPU hours in all$/m);
    expect(out).toMatch(/^ +evaluation +[\d,]+ documents of 4 tasks, all 13 rows of the table together; [\d.]+ GPU hours$/m);
    for (const name of Object.keys(DEFAULT_ASSUMPTIONS)) expect(out).toContain(name);
  });

  it('shows without being asked only those assumptions on which its figures hang, and those that were given', async () => {
    const { out } = await plan('single-gpu', '--assume', 'newExampleTokens=390');
    expect(out).toMatch(/^ +responseTokens +400 /m);
    expect(out).toMatch(/^ +newExampleTokens +390 /m);
    expect(out).not.toContain('cpuGflops'); // nothing runs on a CPU there
    expect(out).not.toContain('bytesPerRequest');
    expect(out).toMatch(/\d+ more, on which little hangs: --assumptions/);
  });

  it('says what must be fixed before a start, though the plan itself is good', async () => {
    const { err } = await plan('paper');
    expect(err).toContain('rehearse: before it can start: mix.newData: got ');
    expect(err).toContain('rehearse: note: target.revision: the weights meta-llama/Meta-Llama-3-70B-Instruct are not pinned');
  });

  it('repeats what the spec says of the terms of those whose answers become training data', async () => {
    const input = validSpec();
    const judge = { ...input.models['other']!, model: 'judge', licence: 'of a judge alone' };
    input.models = { ...input.models, target: { ...input.models['target']!, licence: 'Llama 3 community licence' }, judge };
    const spec = parseSpec(input);
    const text = planText(spec, planCost(spec));
    expect(text).toMatch(/^ +terms +of training with what is written: target: Llama 3 community licence$/m);
    expect(text).not.toContain('of a judge alone');
  });

  it("takes other assumptions and says that they are the user's", async () => {
    const { out } = await plan('single-gpu', '--assume', 'gpuMemoryGB=141', '--assume', 'responseTokens=200');
    expect(out).toContain('on at least 1 GPU of 141 GB');
    expect(out).toMatch(/responseTokens +200 +tokens +set by you \(default 400\)/);
    await expect(plan('demo', '--assume', 'responseToken=1')).rejects.toThrow('did you mean "responseTokens"?');
  });

  it('says that dollars are unknown where nothing has a price, instead of $0', async () => {
    const { out } = await plan('demo');
    expect(out).toContain('unknown: no model of the spec has a price');
    expect(out).not.toContain('$0');
  });

  it('sets the budget against the estimate', async () => {
    const spec = validSpec();
    for (const model of Object.values(spec.models)) model.price = { inputUsdPerMillion: 1, outputUsdPerMillion: 1 };
    const text = (budget: RunSpecInput['budget']): string => {
      const parsed = parseSpec({ ...spec, budget });
      return planText(parsed, planCost(parsed));
    };
    const { usd, promptTokens, completionTokens } = planCost(parseSpec(spec));
    expect(text({ usd: usd.expected * 2, tokens: (promptTokens + completionTokens) * 10 })).toMatch(
      /^ +budget +\$.+ tokens; the estimate is 50 % of it$/m,
    );
    expect(text({ tokens: Math.floor((promptTokens + completionTokens) / 4) })).toMatch(
      /^ +budget +.+ tokens; too little: the estimate is 400 % of it, so the run would pause before its end$/m,
    );
  });

  it('prints JSON for programs', async () => {
    const printed: unknown = JSON.parse((await plan('demo', '--json')).out);
    expect(printed).toMatchObject({ calls: 296, mixture: { newKnown: true }, problems: [] });
    expect((printed as { assumptions: object[] }).assumptions).toContainEqual({
      name: 'responseTokens',
      value: 400,
      unit: 'tokens',
      why: expect.any(String),
    });
  });

  it('prints the input of the experiment workflow: valid, complete, with absolute paths', async () => {
    const input: unknown = JSON.parse((await plan('demo', '--input')).out);
    expect(input).toEqual(await loadSpecFile('demo'));
    expect(parseSpec(input)).toEqual(input);
    expect((input as { mix: { newData: string } }).mix.newData).toMatch(/^\/.+\/examples\/demo\/new-data\.jsonl$/);
  });

  it('fails for a training that no GPU of the spec can hold, after the plan itself', async () => {
    const file = join(work(), 'spec.json');
    writeFileSync(
      join(work(), 'new.jsonl'),
      `${JSON.stringify({
        messages: [
          { role: 'user', content: 'q' },
          { role: 'assistant', content: 'a' },
        ],
      })}\n`,
    );
    const spec = { ...validSpec(), mix: { newData: './new.jsonl' } };
    const planned = async (train: RunSpecInput['train']): Promise<Printed> => {
      writeFileSync(file, JSON.stringify({ ...spec, train }));
      return await plan(file);
    };
    await expect(planned({ accelerate: 'gpu-80gb' })).rejects.toThrow('this training cannot fit its devices');
    await expect(planned({ deviceMemoryGB: 80 })).rejects.toThrow('this training cannot fit its devices');
    expect((await planned({ accelerate: 'gpu-80gb', lora: {} })).err).not.toContain('train: got');
    expect((await planned({ accelerate: './own.yaml' })).err).toMatch(
      /train\.accelerate: got ".*own\.yaml" \(.*ENOENT.*expected a configuration of accelerate, or one of cpu, gpu-24gb/,
    );
    writeFileSync(join(work(), 'own.yaml'), 'distributed_type: FSDP\nnum_processes: 8\nfsdp_config: {fsdp_version: 2}\n');
    expect((await planned({ accelerate: './own.yaml', deviceMemoryGB: 80 })).out).toMatch(/^ +training .+ on 8 GPUs$/m);
    await expect(planned({ accelerate: './own.yaml', deviceMemoryGB: 12 })).rejects.toThrow('this training cannot fit its devices');
  });

  it('does not print two things at once', async () => {
    await expect(plan('demo', '--json', '--input')).rejects.toThrow('--json and --input print different things');
  });
});

import { Command } from 'commander';
import { registerPlan } from '../../cli/commands/plan';
import { DEFAULT_ASSUMPTIONS } from '../../config/cost-assumptions';
import { planText } from '../../cli/plan-text';
import { planCost } from '../../config/cost-plan';
import { parseSpec } from '../../config/load-spec';
import type { RunSpecInput } from '../../config/spec';
import { loadSpecFile } from '../../services/spec-files';
import { validSpec } from './valid-spec';

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
    }));
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
  it('shows the paper\'s 3.7 million calls, its dollars and GPU hours, and all that it assumed', async () => {
    const { out } = await plan('paper');
    expect(out).toMatch(/^ +total +3,700,000 +3,193,000 /m);
    expect(out).toMatch(/^ +respond +gpt-4 +300,000 /m);
    expect(out).toMatch(/^ +dollars +\$[\d,]+; at most \$[\d,]+ when every reply runs to its maxTokens; without a price: llama-3-70b-instruct, qwen2-72b-instruct$/m);
    expect(out).toMatch(/^ +training +1,193 steps.+GPU hours on at least 24 GPUs of 80 GB$/m);
    for (const name of Object.keys(DEFAULT_ASSUMPTIONS)) expect(out).toContain(name);
  });

  it('says what must be mended before a start, though the plan itself is good', async () => {
    const { err } = await plan('paper');
    expect(err).toContain('rehearse: before it can start: mix.newData: got ');
    expect(err).toContain('rehearse: note: target.revision: the weights meta-llama/Meta-Llama-3-70B-Instruct are not pinned');
  });

  it('takes other assumptions and says that they are the user\'s', async () => {
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
    expect(text({ usd: usd.expected * 2, tokens: (promptTokens + completionTokens) * 10 })).toMatch(/^ +budget +\$.+ tokens; the estimate is 50 % of it$/m);
    expect(text({ tokens: Math.floor((promptTokens + completionTokens) / 4) })).toMatch(/^ +budget +.+ tokens; too little: the estimate is 400 % of it, so the run would pause before its end$/m);
  });

  it('prints JSON for programs', async () => {
    const printed: unknown = JSON.parse((await plan('demo', '--json')).out);
    expect(printed).toMatchObject({ calls: 296, mixture: { newKnown: true }, problems: [] });
    expect((printed as { assumptions: object[] }).assumptions).toContainEqual({ name: 'responseTokens', value: 400, unit: 'tokens', why: expect.any(String) });
  });

  it('prints the input of the experiment workflow: valid, complete, with absolute paths', async () => {
    const input: unknown = JSON.parse((await plan('demo', '--input')).out);
    expect(input).toEqual(await loadSpecFile('demo'));
    expect(parseSpec(input)).toEqual(input);
    expect((input as { mix: { newData: string } }).mix.newData).toMatch(/^\/.+\/examples\/demo\/new-data\.jsonl$/);
  });

  it('does not print two things at once', async () => {
    await expect(plan('demo', '--json', '--input')).rejects.toThrow('--json and --input print different things');
  });
});

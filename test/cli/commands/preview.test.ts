import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { RunSpecInput } from '../../../config/spec';
import { useFakeEndpoint } from '../../support/fake-endpoint';
import { rehearse, type Ended } from '../../support/rehearse';
import { smallSpec } from '../../support/small-spec';
import { useTempFolder } from '../../support/temp-folder';

const folder = useTempFolder();
const endpoint = useFakeEndpoint();
const START_MS = 60_000;

async function preview(args: readonly string[], change: (spec: RunSpecInput) => void = () => undefined): Promise<Ended> {
  const file = join(folder(), 'run.yaml');
  writeFileSync(file, stringify(smallSpec(endpoint().baseURL, change)));
  return await rehearse(['preview', file, ...args], { home: folder() });
}

describe('rehearse preview', () => {
  it(
    'shows every text and score of a few instructions, what they took, and the plan by these figures; again it calls nothing',
    async () => {
      const { code, stdout, stderr } = await preview(['-n', '2'], (spec) => {
        spec.models['other']!.price = { inputUsdPerMillion: 1, outputUsdPerMillion: 2 };
        spec.target = { model: 'target' };
        spec.until = 'mixture';
      });
      expect({ code, lines: stderr.trim().split('\n') }).toMatchObject({
        code: 0,
        lines: expect.arrayContaining(['rehearse: extract by target']),
      });
      // 2 extractions; 2 responses with n = 2 and 4 without; 8 responses x 2 judges.
      expect(endpoint().requests).toHaveLength(2 + 2 + 4 + 16);
      expect(stdout.match(/^── \d of 2 · i000000\d/gm)).toHaveLength(2);
      expect(stdout.match(/^ [★·] (target|other), sample [12] · ended by stop · mean \d/gm)).toHaveLength(8);
      expect(stdout.match(/^ {5}(target|other): \d/gm)).toHaveLength(16);
      expect(stdout.match(/^ ★/gm)).toHaveLength(2);
      expect(stdout).toMatch(/^2 texts extracted: 100\u00a0% ended by themselves, \d+\u00a0% repeat another, /m);
      expect(stdout).toMatch(/judge +other +4 +[\d,]+ +\d+ +\$0\.\d{4}/);
      expect(stdout).toMatch(/instructionTokens +\d+ +tokens +set by you/);
      expect(stdout).toMatch(/The same with: npx rehearse plan \S+run\.yaml --assume .*responseTokens=\d+/);

      const again = await rehearse(['preview', join(folder(), 'run.yaml'), '-n', '2', '--json'], { home: folder() });
      expect(endpoint().requests).toHaveLength(24);
      const rows = JSON.parse(again.stdout) as Record<string, readonly { readonly reused?: boolean }[]>;
      expect([rows['instructions'], rows['responses'], rows['judgments'], rows['replay']].map((each) => each?.length)).toEqual([
        2, 8, 16, 2,
      ]);
      expect(rows['work']?.every(({ reused }) => reused === true)).toBe(true);
    },
    START_MS,
  );

  it(
    'refuses what it cannot call before the first call',
    async () => {
      const keyless = await preview([], (spec) => {
        spec.models['other']!.apiKeyEnv = 'REHEARSE_NO_SUCH_KEY';
      });
      expect(keyless.code).toBe(2);
      expect(keyless.stderr).toContain('models.other.apiKeyEnv: got REHEARSE_NO_SUCH_KEY, which is not set here');
      const many = await preview(['-n', '1000']);
      expect(many.stderr).toContain('expected a whole number from 1 to 100');
      expect(endpoint().requests).toHaveLength(0);
    },
    START_MS,
  );
});

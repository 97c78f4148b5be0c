import { IFEVAL_INSTRUCTIONS, IFEVAL_LANGUAGES, IFEVAL_RELATIONS } from '../../services/data/ifeval-rules';
import { ensurePython } from '../../services/local/python-environment';
import { runCommand } from '../../services/local/run-command';
import { quietReporter } from '../support/temporal';

/** Asks the installed harness what it knows. */
const QUESTION = `
import inspect, json
from lm_eval.tasks.ifeval import instructions, instructions_util
from lm_eval.tasks.ifeval.instructions_registry import INSTRUCTION_DICT
print(json.dumps({
    "instructions": {
        name: [each for each in inspect.signature(kind.build_description).parameters if each != "self"]
        for name, kind in INSTRUCTION_DICT.items()
    },
    "relations": list(instructions._COMPARISON_RELATION),
    "languages": list(instructions_util.LANGUAGE_CODES),
}))
`;

test('IFEval has these instructions, arguments, relations and languages in the installed harness', async () => {
  const { python, env } = await ensurePython(quietReporter);
  const printed = await runCommand({ command: python, args: ['-c', QUESTION], env });
  expect(JSON.parse(printed.trim().split('\n').at(-1)!)).toEqual({
    instructions: IFEVAL_INSTRUCTIONS,
    relations: IFEVAL_RELATIONS,
    languages: IFEVAL_LANGUAGES,
  });
}, 900_000);

import { formatCounted } from '../../../contract/figures';
import type { ReportData } from '../../gather/run-report';
import { info, type Block, type Section } from '../blocks';

/** Instructions with all their answers, and what each judge gave them. */
export function examplesSection({ synthesis, spec }: Pick<ReportData, 'synthesis' | 'spec'>): Section {
  const blocks: Block[] =
    synthesis.examples.length === 0
      ? [info(spec.report.examples === 0 ? 'The spec asks for no examples.' : 'There are no instructions yet.')]
      : [
          {
            kind: 'text',
            text: `${formatCounted(synthesis.examples.length, 'instruction')}, drawn by the seed, with every answer and what each judge gave it. The best answer is open; the others unfold. Everything here was written by the models.`,
          },
          ...synthesis.examples.map((example) => ({ kind: 'example', example }) as const),
        ];
  return { id: 'examples', title: 'Examples', blocks };
}

import type { z } from 'zod';
import {
  sftResultSchema,
  evaluateResultSchema,
  interpolateResultSchema,
  type SftResult,
  type EvaluateResult,
  type InterpolateResult,
} from '../../stages/python-results';
import {
  convertSpecSchema,
  datasetsSpecSchema,
  documentsSpecSchema,
  evaluateSpecSchema,
  renderSpecSchema,
  interpolateSpecSchema,
  sftSpecSchema,
  tasksSpecSchema,
  trackersSpecSchema,
  weightsSpecSchema,
  type ConvertJobSpec,
  type DatasetsJobSpec,
  type DocumentsJobSpec,
  type EvaluateJobSpec,
  type RenderJobSpec,
  type InterpolateJobSpec,
  type SftJobSpec,
  type TasksJobSpec,
  type TrackersJobSpec,
  type WeightsJobSpec,
} from './job-specs';
import {
  type DatasetsResult,
  convertResultSchema,
  datasetsResultSchema,
  documentsResultSchema,
  renderResultSchema,
  tasksResultSchema,
  trackersResultSchema,
  weightsResultSchema,
  type ConvertResult,
  type DocumentsResult,
  type RenderResult,
  type TasksResult,
  type TrackersResult,
  type WeightsResult,
} from './python-protocol';

/** Commands of `python -m rehearse_ml`: what each is given, and its result. */
export interface PythonCommands {
  readonly convert: { readonly spec: ConvertJobSpec; readonly result: ConvertResult };
  readonly sft: { readonly spec: SftJobSpec; readonly result: SftResult };
  readonly render: { readonly spec: RenderJobSpec; readonly result: RenderResult };
  readonly interpolate: { readonly spec: InterpolateJobSpec; readonly result: InterpolateResult };
  readonly weights: { readonly spec: WeightsJobSpec; readonly result: WeightsResult };
  readonly evaluate: { readonly spec: EvaluateJobSpec; readonly result: EvaluateResult };
  readonly tasks: { readonly spec: TasksJobSpec; readonly result: TasksResult };
  readonly trackers: { readonly spec: TrackersJobSpec; readonly result: TrackersResult };
  readonly documents: { readonly spec: DocumentsJobSpec; readonly result: DocumentsResult };
  readonly datasets: { readonly spec: DatasetsJobSpec; readonly result: DatasetsResult };
}

export type PythonCommand = keyof PythonCommands;

/** The schemas of {@link PythonCommands}. */
export const PYTHON_COMMANDS = {
  convert: { spec: convertSpecSchema, result: convertResultSchema },
  sft: { spec: sftSpecSchema, result: sftResultSchema },
  render: { spec: renderSpecSchema, result: renderResultSchema },
  interpolate: { spec: interpolateSpecSchema, result: interpolateResultSchema },
  weights: { spec: weightsSpecSchema, result: weightsResultSchema },
  evaluate: { spec: evaluateSpecSchema, result: evaluateResultSchema },
  tasks: { spec: tasksSpecSchema, result: tasksResultSchema },
  trackers: { spec: trackersSpecSchema, result: trackersResultSchema },
  documents: { spec: documentsSpecSchema, result: documentsResultSchema },
  datasets: { spec: datasetsSpecSchema, result: datasetsResultSchema },
} as const satisfies {
  readonly [Command in PythonCommand]: {
    readonly spec: z.ZodType<PythonCommands[Command]['spec']>;
    readonly result: z.ZodType<PythonCommands[Command]['result']>;
  };
};

/** What a job of a command ends with. */
export function resultSchemaOf<Command extends PythonCommand>(command: Command): z.ZodType<PythonCommands[Command]['result']> {
  const schemas: { readonly [Each in PythonCommand]: { readonly result: z.ZodType<PythonCommands[Each]['result']> } } = PYTHON_COMMANDS;
  return schemas[command].result;
}

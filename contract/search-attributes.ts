import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** Typed search attributes that every run keeps up to date; workers register them at start. */
export const STAGE_ATTRIBUTE = defineSearchAttributeKey('RehearseStage', SearchAttributeType.KEYWORD);
export const TARGET_MODEL_ATTRIBUTE = defineSearchAttributeKey('RehearseTargetModel', SearchAttributeType.KEYWORD);
/** Who paused the run: `user`, `storage`; absent while it is not paused. */
export const PAUSED_ATTRIBUTE = defineSearchAttributeKey('RehearsePaused', SearchAttributeType.KEYWORD);

export const SEARCH_ATTRIBUTES = [STAGE_ATTRIBUTE, TARGET_MODEL_ATTRIBUTE, PAUSED_ATTRIBUTE] as const;

import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** Typed search attributes that every run keeps up to date; workers register them at start. */
export const STAGE_ATTRIBUTE = defineSearchAttributeKey('RehearseStage', SearchAttributeType.KEYWORD);
export const TARGET_MODEL_ATTRIBUTE = defineSearchAttributeKey('RehearseTargetModel', SearchAttributeType.KEYWORD);

export const SEARCH_ATTRIBUTES = [STAGE_ATTRIBUTE, TARGET_MODEL_ATTRIBUTE] as const;

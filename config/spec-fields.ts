import { z } from 'zod';

/** A name that a spec gives to a model or a variant. */
export const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'expected a name of letters, digits, ".", "_" or "-", up to 64 long')
  .describe('A name that this spec gives.');

/** The name of an environment variable. */
export const envName = z
  .string()
  .regex(/^[A-Z_][A-Z0-9_]*$/, 'expected the NAME of an environment variable (such as OPENAI_API_KEY), never a secret itself');

/** A whole number from 1. */
export const count = z.int().positive();

/** A part of a whole: above 0 and below 1. */
export const share = z.number().gt(0).lt(1);

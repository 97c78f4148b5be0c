/** Rows of the paper's table that a run makes: the target as it is, and after SFT on our replay set mixed with new data. */
export const VARIANTS = ['official', 'method'] as const;

export type VariantName = (typeof VARIANTS)[number];

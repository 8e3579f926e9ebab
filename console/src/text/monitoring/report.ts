/** Texts of this part. */
export const report = {} as const;

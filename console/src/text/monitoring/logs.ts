/** Texts of this part. */
export const logs = {} as const;

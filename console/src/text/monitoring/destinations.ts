/** Texts of this part. */
export const destinations = {} as const;

/** The texts of this area. */
export const operator = {
  title: 'Operator',
} as const;

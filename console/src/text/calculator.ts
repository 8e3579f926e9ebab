/** The texts of this area. */
export const calculator = {
  title: 'Calculator',
} as const;

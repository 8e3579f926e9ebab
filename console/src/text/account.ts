/** The texts of this area. */
export const account = {
  title: 'Account',
} as const;

/** The texts of this area. */
export const settings = {
  title: 'Settings',
} as const;

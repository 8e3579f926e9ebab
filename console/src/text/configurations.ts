/** The texts of this area. */
export const configurations = {
  title: 'Configurations',
} as const;

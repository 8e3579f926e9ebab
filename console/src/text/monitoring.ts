/** The texts of this area. */
export const monitoring = {
  title: 'Monitoring',
} as const;

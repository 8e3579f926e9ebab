/** The texts of this area. */
export const brokers = {
  title: 'Brokers',
} as const;

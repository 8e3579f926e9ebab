/** The texts of this area. */
export const broker = {
  title: 'Broker',
} as const;

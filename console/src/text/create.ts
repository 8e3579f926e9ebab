/** The texts of this area. */
export const create = {
  title: 'Create',
} as const;

import { useQuery } from '@tanstack/react-query';
import { keys, readContent } from './data';

/** The content of a revision, which never changes. */
export function useContent(id: string, revision: number | undefined) {
  return useQuery({
    queryKey: keys.revision(id, revision ?? 0),
    queryFn: () => readContent(id, revision ?? 0),
    enabled: revision !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

// Lists that the server gives page by page.
import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { PaginationProps } from '@cloudscape-design/components/pagination';
import { useEffect, useState } from 'react';

/** A page of a list, and the token of the next one; undefined: it is the last. */
export interface PageOf<T> {
  items: T[];
  next?: string | undefined;
}

export interface Pages<T> {
  items: T[];
  query: UseQueryResult<PageOf<T>>;
  pagination: Pick<PaginationProps, 'currentPageIndex' | 'pagesCount' | 'openEnd' | 'onChange' | 'disabled'>;
}

/** Reads the pages of a list as they are turned to. Another key or another size begins at the first one. */
export function usePages<T>(
  key: readonly unknown[],
  read: (token: string | undefined) => Promise<PageOf<T>>,
  isEnabled = true,
): Pages<T> {
  const about = JSON.stringify(key);
  const [state, setState] = useState({ about, tokens: [''], index: 0 });
  const { tokens, index } = state.about === about ? state : { tokens: [''], index: 0 };
  const token = tokens[index] || undefined;
  const query = useQuery({
    queryKey: [...key, { page: token ?? '' }],
    queryFn: () => read(token),
    placeholderData: keepPreviousData,
    enabled: isEnabled,
  });
  const next = query.isPlaceholderData ? undefined : query.data?.next;
  const isEmpty = !query.isPlaceholderData && query.data?.items.length === 0 && next === undefined;
  const isPastTheEnd = index > 0 && isEmpty;
  useEffect(() => {
    // What was on it is gone, or the page before was just full.
    if (isPastTheEnd) setState({ about, tokens: tokens.slice(0, index), index: index - 1 });
  });
  return {
    items: query.data?.items ?? [],
    query,
    pagination: {
      currentPageIndex: index + 1,
      pagesCount: tokens.length,
      openEnd: index === tokens.length - 1 && next !== undefined,
      disabled: query.isPlaceholderData,
      onChange: ({ detail }) => {
        const wanted = detail.currentPageIndex - 1;
        if (wanted < tokens.length) setState({ about, tokens, index: wanted });
        else if (next) setState({ about, tokens: [...tokens, next], index: tokens.length });
      },
    },
  };
}

/** Reads all pages of a list of which it is known that it is short. */
export async function allPages<T>(read: (token: string | undefined) => Promise<PageOf<T>>, most = 100): Promise<T[]> {
  const items: T[] = [];
  let token: string | undefined;
  for (let page = 0; page < most; page += 1) {
    const found = await read(token);
    items.push(...found.items);
    if (!found.next || found.items.length === 0) break;
    token = found.next;
  }
  return items;
}

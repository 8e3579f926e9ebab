// Which page an address leads to.
import type { Route } from './routes';

export interface Match {
  route: Route;
  parameters: Record<string, string>;
  /** The same for all tabs of a page. */
  key: string;
}

/** The route of an address (without `/console`), with its parameters; `undefined`: there is no such page. */
export function match(location: string, routes: Route[]): Match | undefined {
  const parts = location.split('/').filter(Boolean);
  for (const route of routes) {
    const names = route.path.split('/').filter(Boolean);
    const required = names.filter((name) => !name.endsWith('?')).length;
    if (parts.length < required || parts.length > names.length) continue;
    const parameters: Record<string, string> = {};
    const fits = parts.every((part, at) => {
      const name = names[at] ?? '';
      if (!name.startsWith(':')) return name === part;
      parameters[name.replace(/^:|\?$/g, '')] = decoded(part);
      return true;
    });
    if (fits) return { route, parameters, key: `/${parts.slice(0, required).join('/')}` };
  }
  return undefined;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

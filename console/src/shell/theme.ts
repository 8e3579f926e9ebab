// Light or dark, as the person or the system wants it.
import { applyMode, Mode } from '@cloudscape-design/global-styles';

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'brokerd.theme';
const dark = window.matchMedia('(prefers-color-scheme: dark)');

/** The theme that the person has chosen. */
export function theme(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

/** Shows the chosen theme. */
export function applyTheme(): void {
  const chosen = theme();
  applyMode(chosen === 'dark' || (chosen === 'system' && dark.matches) ? Mode.Dark : Mode.Light);
}

/** Keeps and shows a theme. */
export function setTheme(chosen: Theme): void {
  localStorage.setItem(KEY, chosen);
  applyTheme();
}

dark.addEventListener('change', applyTheme);

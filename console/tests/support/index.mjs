export { checkAccessibility, checkFits, openPage, screenshot, until } from './browser.mjs';
export { POLICY } from './policy.mjs';
export { KEY, refused, SESSION, startServer } from './server.mjs';

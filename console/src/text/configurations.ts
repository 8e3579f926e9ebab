/** The texts of this area. */
export const configurations = {
  title: 'Configurations',
  intro: 'Settings that brokers of one engine and version share. Every change is a new revision.',
  create: 'Create configuration',
  createAction: 'Create',
  created: (name: string) => `Configuration ${name} was created. Revision 1 holds the defaults.`,
  filter: 'Find by name, ID or engine',
  filtered: (count: number) => (count === 1 ? '1 match' : `${count} matches`),
  empty: 'No configurations',
  emptyHelp: 'A broker that is created without one gets a configuration of its own.',
  preferences: 'Preferences',
  pageSize: 'Rows per page',
  pageSizeOf: (size: number) => `${size} rows`,
  pages: { next: 'Next page', previous: 'Previous page', page: (page: number) => `Page ${page}` },
  name: 'Name',
  nameHelp: '1 to 150 letters, digits and - . _ ~',
  engine: 'Engine',
  version: 'Engine version',
  strategy: 'Authentication',
  strategyHelp: 'LDAP is only for ActiveMQ. It permits the LDAP authorization map.',
  strategies: { simple: 'Simple', ldap: 'LDAP' },
  latest: 'Latest revision',
  createdAt: 'Created',
  changedAt: 'Last change',
  id: 'ID',
  arn: 'ARN',
  description: 'Description',
  details: 'Details',
  download: 'Download',
  missing: 'There is no such configuration',
  scroll: { scrollLeftAriaLabel: 'Scroll to the left', scrollRightAriaLabel: 'Scroll to the right' },
  tabs: { editor: 'Editor', revisions: 'Revision history', brokers: 'Brokers', tags: 'Tags' },

  // The editor.
  editing: (revision: number) => `Content of revision ${revision}`,
  edited: (revision: number) => `Changed since revision ${revision}`,
  editorHelp: 'Ctrl+Space offers what is permitted at the cursor. What would be removed is marked as you write.',
  save: 'Save as a new revision',
  discard: 'Discard changes',
  discardTitle: 'Discard your changes?',
  discardLost: 'What you changed and have not saved is lost.',
  saveTitle: (revision: number) => `Save revision ${revision}`,
  saveIntro: 'Brokers keep the revision that they have. Choose the new one in the settings of each broker.',
  saveDescription: 'Description – optional',
  saveDescriptionHelp: 'Why this change was made; up to 1024 characters.',
  changes: 'Changes',
  unchanged: 'Nothing is different.',
  unchangedLines: '$ unchanged lines',
  saved: (revision: number) => `Revision ${revision} was saved.`,
  savedWithout: (revision: number, count: number) =>
    `Revision ${revision} was saved without ${count === 1 ? 'one part' : `${count} parts`} of your text.`,
  savedWithoutHelp: 'You still see what you wrote; what was removed is marked.',
  showSaved: 'Show what was saved',
  line: (line: number) => `Line ${line}`,
  problems: (count: number) => `What would be removed or refused (${count})`,
  refused: 'This content was refused, and nothing was saved.',
  refusedPlace: 'Go to the place',
  malformed: 'This is not well-formed XML.',
  removed: ({ element, attribute, reason }: { element: string; attribute?: string; reason: string }) =>
    attribute === undefined
      ? `Element ${element} is not permitted here and was removed.`
      : reason === 'INVALID_ATTRIBUTE_VALUE_REMOVED'
        ? `Attribute ${attribute} of ${element} was removed: ActiveMQ can’t use its value.`
        : `Attribute ${attribute} of ${element} is not permitted and was removed.`,
  wouldBeRemoved: ({ element, attribute, reason }: { element: string; attribute?: string; reason: string }) =>
    attribute === undefined
      ? `Element ${element} is not permitted here and will be removed.`
      : reason === 'INVALID_ATTRIBUTE_VALUE_REMOVED'
        ? `Attribute ${attribute} of ${element} will be removed: expressions and names of beans are not permitted.`
        : `Attribute ${attribute} of ${element} is not permitted and will be removed.`,
  mistakes: {
    KEY: (key: string, version: string) => `${key} can’t be set with RabbitMQ ${version}.`,
    SYNTAX: () => 'This is neither a setting (key = value) nor a comment (# …).',
    VALUE: (key: string, _: string, valid?: string) => `${key} can’t have this value. Valid: ${valid ?? ''}.`,
    SECTION: (key: string, _: string, valid?: string) =>
      `${key} can’t be set in a section. Only limits can: ${valid ?? ''}.`,
  },
  newer: (revision: number) => `Revision ${revision} was saved meanwhile`,
  newerHelp: (base: number) => `Your changes are based on revision ${base}. Nothing of yours is saved yet.`,
  newerShow: 'Compare',
  newerTake: (revision: number) => `Take revision ${revision}`,
  newerKeep: 'Keep mine',
  newerTitle: (revision: number) => `Revision ${revision} and your changes`,
  newerLost: (revision: number) =>
    `Saving yours now makes a revision in which the changes of revision ${revision} are missing.`,
  between: (first: number, last: number) =>
    `Others saved ${first === last ? `revision ${first}` : `revisions ${first} to ${last}`} in the same moment. ` +
    'Nothing is lost: compare them in the revision history.',
  mine: 'Your changes',

  // Revisions.
  revision: 'Revision',
  revisionOf: (revision: number) => `Revision ${revision}`,
  isLatest: 'latest',
  by: 'Description',
  view: 'View',
  compare: 'Compare',
  compareHelp: 'Choose one revision to compare it with the latest, or two to compare them with each other.',
  compareTitle: (one: number, other: number) => `Revisions ${one} and ${other}`,
  compareFrom: 'From',
  compareTo: 'To',
  rollBack: 'Roll back',
  rollBackTitle: (revision: number) => `Roll back to revision ${revision}`,
  rollBackIntro: (next: number, revision: number) =>
    `Revision ${next} is made with the content of revision ${revision}. ` +
    'No revision is lost, and brokers stay as they are.',
  rollBackDescription: (revision: number) => `Roll back to revision ${revision}`,
  rolledBack: (next: number, revision: number) => `Revision ${next} has the content of revision ${revision}.`,
  choose: (revision: number) => `Choose revision ${revision}`,
  chosen: 'Chosen revisions',

  // Brokers.
  brokers: 'Brokers with this configuration',
  brokersHelp: 'A broker applies another configuration or revision when it is rebooted.',
  brokersEmpty: 'No broker uses this configuration.',
  brokersPartly: (seen: number) => `${seen} brokers were looked at so far.`,
  brokersMore: 'Look further',
  broker: 'Broker',
  state: 'State',
  current: 'Current revision',
  pending: 'After the next reboot',
  former: 'Only formerly',
  isOld: (latest: number) => `Revision ${latest} is available`,

  // Tags.
  tagsHelp: 'Policies can permit or deny by tags. At most 50.',
  tagsSaved: 'The tags were saved.',

  // Deletion.
  deleteTitle: (name: string) => `Delete configuration ${name}`,
  deleteLost: (revisions: number) =>
    `${revisions === 1 ? 'Its revision is lost.' : `All ${revisions} revisions are lost.`} ` +
    'It can’t be deleted while a broker has it, will have it or had it before.',
  deleted: (name: string) => `Configuration ${name} was deleted.`,
} as const;

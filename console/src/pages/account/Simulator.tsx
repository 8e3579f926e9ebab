// What a principal would be allowed to do.
import Alert from '@cloudscape-design/components/alert';
import AttributeEditor from '@cloudscape-design/components/attribute-editor';
import Autosuggest from '@cloudscape-design/components/autosuggest';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import Multiselect from '@cloudscape-design/components/multiselect';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Textarea from '@cloudscape-design/components/textarea';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { actions as known, conditionKeys, services } from '../../model/policy';
import { allPages } from '../../shared/usePages';
import { text } from '../../text';
import { Decisions } from './Decisions';
import {
  type Decision,
  documentsOf,
  type Identity,
  type Kind,
  keys,
  listIdentities,
  MAX_ON_A_PAGE,
  simulate,
} from './iam';

const words = text.account.simulator;
const KINDS: Kind[] = ['user', 'group', 'role'];
const actionGroups = services.map((service) => ({
  label: service,
  options: known
    .filter(({ name }) => name.startsWith(`${service}:`))
    .map(({ name, level }) => ({ value: name, label: name, tags: [level] })),
}));

/** What is told of a simulation. */
interface Outcome {
  decisions: Decision[];
  documents: Map<string, string>;
}

export default function Simulator() {
  const [principal, setPrincipal] = useState<Identity>();
  const [actions, setActions] = useState<string[]>([]);
  const [resources, setResources] = useState('*');
  const [context, setContext] = useState<{ key: string; value: string }[]>([]);
  const [outcome, setOutcome] = useState<Outcome>();
  const [error, setError] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const principals = useQuery({
    queryKey: [...keys.all, 'principals'],
    queryFn: async () => {
      const all = (kind: Kind) => allPages((token) => listIdentities(kind, MAX_ON_A_PAGE, token));
      return (await Promise.all(KINDS.map(all))).flat();
    },
  });
  const groups = KINDS.map((kind) => ({
    label: text.account.tabs[`${kind}s` as const],
    options: (principals.data ?? [])
      .filter((one) => one.kind === kind)
      .map(({ arn, name, path }) => ({ value: arn, label: name, ...(path === '/' ? {} : { description: path }) })),
  })).filter(({ options }) => options.length);

  const run = async (event: FormEvent) => {
    event.preventDefault();
    if (!principal || !actions.length || isBusy) return;
    setBusy(true);
    setError(undefined);
    try {
      const question = {
        principal: principal.arn,
        actions,
        resources: resources
          .split('\n')
          .map((line) => line.trim())
          .filter(Boolean),
        context: context
          .filter(({ key }) => key.trim())
          .map(({ key, value }) => ({ key: key.trim(), values: value.split(',').map((one) => one.trim()) })),
      };
      // Without the documents only the statement can't be shown.
      const [decisions, documents] = await Promise.all([
        simulate(question),
        documentsOf(principal).catch(() => new Map<string, string>()),
      ]);
      setOutcome({ decisions, documents });
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
    }
    setBusy(false);
  };

  return (
    <SpaceBetween size="l">
      <form onSubmit={run}>
        <Container
          header={
            <Header
              variant="h2"
              description={words.intro}
              actions={
                <Button variant="primary" formAction="submit" loading={isBusy} disabled={!principal || !actions.length}>
                  {words.run}
                </Button>
              }
            >
              {text.account.tabs.simulator}
            </Header>
          }
        >
          <SpaceBetween size="m">
            {error ? <Alert type="error">{error}</Alert> : null}
            <FormField label={words.principal} errorText={principals.error?.message}>
              <Select
                selectedOption={principal ? { value: principal.arn, label: principal.name } : null}
                options={groups}
                placeholder={words.principalChoose}
                filteringType="auto"
                filteringAriaLabel={words.principalChoose}
                statusType={principals.isPending ? 'loading' : 'finished'}
                loadingText={text.common.loading}
                empty={text.common.noMatch}
                noMatch={text.common.noMatch}
                onChange={({ detail }) =>
                  setPrincipal(principals.data?.find(({ arn }) => arn === detail.selectedOption.value))
                }
              />
            </FormField>
            <FormField
              label={words.actions}
              secondaryControl={
                <Select
                  selectedOption={null}
                  placeholder={words.actionsAddChoose}
                  ariaLabel={words.actionsAdd}
                  options={services.map((value) => ({ value, label: value }))}
                  onChange={({ detail }) => {
                    const prefix = `${detail.selectedOption.value}:`;
                    const more = known.map(({ name }) => name).filter((name) => name.startsWith(prefix));
                    setActions([...new Set([...actions, ...more])]);
                  }}
                />
              }
            >
              <Multiselect
                selectedOptions={actions.map((value) => ({ value, label: value }))}
                options={actionGroups}
                placeholder={words.actionsChoose}
                filteringType="auto"
                filteringAriaLabel={words.actionsChoose}
                virtualScroll
                tokenLimit={5}
                deselectAriaLabel={(option) => `${text.account.remove} ${option.label}`}
                noMatch={text.common.noMatch}
                i18nStrings={{ tokenLimitShowMore: words.showMore, tokenLimitShowFewer: words.showFewer }}
                onChange={({ detail }) => setActions(detail.selectedOptions.flatMap(({ value }) => value ?? []))}
              />
            </FormField>
            <FormField label={words.resources} description={words.resourcesHelp}>
              <Textarea
                value={resources}
                rows={3}
                spellcheck={false}
                onChange={({ detail }) => setResources(detail.value)}
              />
            </FormField>
            <FormField label={words.context} description={words.contextHelp} stretch>
              <AttributeEditor
                items={context}
                addButtonText={words.contextAdd}
                removeButtonText={text.account.remove}
                removeButtonAriaLabel={({ key }) => `${text.account.remove} ${key}`}
                empty={words.contextEmpty}
                onAddButtonClick={() => setContext([...context, { key: '', value: '' }])}
                onRemoveButtonClick={({ detail }) => setContext(context.filter((_, at) => at !== detail.itemIndex))}
                definition={[
                  {
                    label: words.contextKey,
                    control: (item, at) => (
                      <Autosuggest
                        value={item.key}
                        options={conditionKeys.map((value) => ({ value: value.replace('…', '') }))}
                        enteredTextLabel={(entered) => entered}
                        empty={text.common.noMatch}
                        expandToViewport
                        onChange={({ detail }) => setContext(context.with(at, { ...item, key: detail.value }))}
                      />
                    ),
                  },
                  {
                    label: words.contextValue,
                    control: (item, at) => (
                      <Input
                        value={item.value}
                        onChange={({ detail }) => setContext(context.with(at, { ...item, value: detail.value }))}
                      />
                    ),
                  },
                ]}
              />
            </FormField>
          </SpaceBetween>
        </Container>
      </form>
      {outcome ? (
        <Decisions
          {...outcome}
          onAddKeys={(wanted) => {
            const given = new Set(context.map(({ key }) => key));
            const more = wanted.filter((key) => !given.has(key)).map((key) => ({ key, value: '' }));
            setContext([...context, ...more]);
          }}
        />
      ) : null}
    </SpaceBetween>
  );
}

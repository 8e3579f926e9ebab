import Alert from '@cloudscape-design/components/alert';
import AttributeEditor from '@cloudscape-design/components/attribute-editor';
import Autosuggest from '@cloudscape-design/components/autosuggest';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { answer, api } from '../../api/client';
import { ApiError } from '../../api/errors';
import { MAX_RULES, type RuleDraft, ruleDraft, type RuleFault, ruleFaults, ruleInputs } from '../../model/ruleDraft';
import { Problem } from '../../shared/Problem';
import { useFlash } from '../../shell/flash';
import { text } from '../../text';
import type { Group } from './queries';
import { KNOWN_PORTS, RuleList } from './rules';

const t = text.settings.network;

/** What the dialog opens with: a group to change, the identifier of one to define, or nothing. */
export interface GroupDraft {
  group?: Group;
  id?: string;
}

const PORTS = KNOWN_PORTS.map(([name, from, to]) => ({
  value: from === to ? String(from) : `${from}-${to}`,
  description: name,
}));
const FAULTS: Record<string, string> = { PORTS: t.notPorts, CIDR: t.notCidr, TWICE: t.twice, LONG: t.tooLong };
const EVERYBODY = ['0.0.0.0/0', '::/0'];

function faultText(fault: RuleFault | undefined, field: keyof RuleFault): string | undefined {
  const which = fault?.[field];
  return which && FAULTS[which];
}

interface EditorProps {
  rules: RuleDraft[];
  faults: RuleFault[];
  refused: Record<string, string>;
  onChange: (rules: RuleDraft[]) => void;
}

function RuleEditor({ rules, faults, refused, onChange }: EditorProps) {
  const set = (at: number, changes: Partial<RuleDraft>) =>
    onChange(rules.map((rule, one) => (one === at ? { ...rule, ...changes } : rule)));
  const error = (at: number, field: keyof RuleFault) =>
    faultText(faults[at], field) ??
    (field === 'ports' ? (refused[`rules[${at}].fromPort`] ?? refused[`rules[${at}].toPort`]) : undefined) ??
    refused[`rules[${at}].${field}`];
  return (
    <AttributeEditor
      items={rules}
      onAddButtonClick={() => onChange([...rules, { ports: '5671', cidr: '', description: '' }])}
      onRemoveButtonClick={({ detail }) => onChange(rules.filter((_, at) => at !== detail.itemIndex))}
      addButtonText={t.ruleAdd}
      disableAddButton={rules.length >= MAX_RULES}
      removeButtonText={t.ruleRemove}
      removeButtonAriaLabel={(rule) => t.ruleRemoveWhat(rules.indexOf(rule) + 1)}
      empty={t.rulesEmpty}
      definition={[
        {
          label: t.ports,
          errorText: (_, at) => error(at, 'ports'),
          control: (rule, at) => (
            <Autosuggest
              value={rule.ports}
              options={PORTS}
              onChange={({ detail }) => set(at, { ports: detail.value })}
              filteringType="none"
              placeholder={t.portsHelp}
              enteredTextLabel={text.settings.useZone}
              clearAriaLabel={text.settings.clear}
            />
          ),
        },
        {
          label: t.cidr,
          errorText: (_, at) => error(at, 'cidr'),
          warningText: (rule) => (EVERYBODY.includes(rule.cidr.trim()) ? t.openWide : undefined),
          control: (rule, at) => (
            <Input
              value={rule.cidr}
              onChange={({ detail }) => set(at, { cidr: detail.value })}
              placeholder={t.cidrHelp}
              autoComplete={false}
              spellcheck={false}
            />
          ),
        },
        {
          label: t.ruleDescription,
          errorText: (_, at) => error(at, 'description'),
          control: (rule, at) => (
            <Input value={rule.description} onChange={({ detail }) => set(at, { description: detail.value })} />
          ),
        },
      ]}
    />
  );
}

const asText = (rules: unknown) => JSON.stringify(rules);

/** Creates a security group or changes one. */
export function GroupDialog({ draft, onClose }: { draft: GroupDraft; onClose: () => void }) {
  const [base, setBase] = useState(draft.group);
  const [name, setName] = useState('');
  const [id, setId] = useState(draft.id ?? '');
  const [description, setDescription] = useState(base?.description ?? '');
  const [rules, setRules] = useState<RuleDraft[]>(() => (base?.rules ?? []).map(ruleDraft));
  const [isChecked, setChecked] = useState(false);
  const [refused, setRefused] = useState<Record<string, string>>({});
  const [error, setError] = useState<unknown>();
  const [theirs, setTheirs] = useState<Group>();
  const [isBusy, setBusy] = useState(false);
  const client = useQueryClient();
  const flash = useFlash();
  const faults = ruleFaults(rules);
  const isWrong = faults.some((fault) => Object.keys(fault).length) || (!base && !name.trim());

  const save = async (isInsisting: boolean) => {
    setChecked(true);
    if (isBusy || isWrong) return;
    setBusy(true);
    setError(undefined);
    setRefused({});
    try {
      if (base) {
        const params = { path: { 'security-group-id': base.securityGroupId } };
        const path = '/brokerd/v1/security-groups/{security-group-id}';
        const now = await answer(api.GET(path, { params }));
        const isStale = asText(now.rules) !== asText(base.rules) || now.description !== base.description;
        if (isStale && !isInsisting) {
          setTheirs(now);
          return;
        }
        const wanted = ruleInputs(rules);
        const body = {
          ...(description === now.description ? {} : { description }),
          ...(asText(wanted) === asText(ruleInputs(now.rules.map(ruleDraft))) ? {} : { rules: wanted }),
        };
        await answer(api.PUT(path, { params, body }));
      } else {
        const body = {
          name: name.trim(),
          ...(id.trim() ? { securityGroupId: id.trim() } : {}),
          ...(description ? { description } : {}),
          rules: ruleInputs(rules),
        };
        await answer(api.POST('/brokerd/v1/security-groups', { body }));
      }
      await client.invalidateQueries({ queryKey: ['security-groups'] });
      flash.done(t.saved(base?.name ?? name.trim()));
      onClose();
    } catch (failure) {
      const attribute = failure instanceof ApiError ? failure.attribute : undefined;
      if (attribute && attribute !== 'rules') setRefused({ [attribute]: (failure as ApiError).message });
      else setError(failure);
    } finally {
      setBusy(false);
    }
  };
  const load = (group: Group) => {
    setBase(group);
    setDescription(group.description);
    setRules(group.rules.map(ruleDraft));
    setTheirs(undefined);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void save(false);
  };

  return (
    <Modal
      visible
      size="large"
      header={base ? t.editTitle(base.name) : t.createTitle}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              {text.common.cancel}
            </Button>
            <Button variant="primary" loading={isBusy} onClick={() => void save(false)} disabled={theirs !== undefined}>
              {text.common.save}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form onSubmit={submit}>
        <SpaceBetween size="l">
          {error ? <Problem error={error} /> : null}
          {theirs ? (
            <Alert
              type="warning"
              header={t.staleTitle}
              action={
                <SpaceBetween direction="horizontal" size="xs">
                  <Button formAction="none" onClick={() => load(theirs)}>
                    {t.reload}
                  </Button>
                  <Button formAction="none" onClick={() => void save(true)}>
                    {t.overwrite}
                  </Button>
                </SpaceBetween>
              }
            >
              {t.staleIntro}
              <RuleList rules={theirs.rules} />
            </Alert>
          ) : null}
          {base ? null : (
            <FormField
              label={t.name}
              errorText={refused['name'] ?? (isChecked && !name.trim() ? t.required : undefined)}
            >
              <Input value={name} onChange={({ detail }) => setName(detail.value)} autoComplete={false} autoFocus />
            </FormField>
          )}
          {base ? null : (
            <FormField label={t.groupId} description={t.groupIdHelp} errorText={refused['securityGroupId']}>
              <Input
                value={id}
                onChange={({ detail }) => setId(detail.value)}
                autoComplete={false}
                readOnly={draft.id !== undefined}
              />
            </FormField>
          )}
          <FormField label={t.description} errorText={refused['description']}>
            <Input value={description} onChange={({ detail }) => setDescription(detail.value)} />
          </FormField>
          <div>
            <Box variant="h3">{t.rules}</Box>
            <Box variant="p" color="text-body-secondary">
              {t.rulesHelp}
            </Box>
            <RuleEditor
              rules={rules}
              faults={isChecked ? faults : []}
              refused={refused}
              onChange={(changed) => {
                setRules(changed);
                setRefused({});
              }}
            />
          </div>
        </SpaceBetween>
      </form>
    </Modal>
  );
}

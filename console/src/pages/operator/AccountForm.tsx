// Creates an account, or changes its name and quotas.
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type FormEvent, useState } from 'react';
import { answer, api } from '../../api/client';
import { ApiError } from '../../api/errors';
import { QUOTAS, type QuotaName, quotaIn, type Quotas } from '../../model/quota';
import { text } from '../../text';
import type { Account } from './Accounts';

const FORM = 'account';

interface Props {
  /** The account to change; absent: one is created. */
  account?: Account;
  onClose: () => void;
  onSaved: (account: Account) => void;
}

type Faults = Partial<Record<'name' | 'accountId' | QuotaName | 'whole', string>>;

export function AccountForm({ account, onClose, onSaved }: Props) {
  const [name, setName] = useState(account?.name ?? '');
  const [accountId, setAccountId] = useState('');
  const [entered, setEntered] = useState<Record<QuotaName, string>>(() => {
    const of = (quota: QuotaName) => String(account?.quotas[quota] ?? '');
    return { brokers: of('brokers'), memoryMib: of('memoryMib'), storageGib: of('storageGib'), apiRate: of('apiRate') };
  });
  const [faults, setFaults] = useState<Faults>({});
  const [isBusy, setBusy] = useState(false);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (isBusy) return;
    const found: Faults = {};
    const quotas: Quotas = {};
    if (!name.trim()) found.name = text.operator.nameMissing;
    if (accountId && !/^\d{12}$/.test(accountId)) found.accountId = text.operator.idWrong;
    for (const quota of QUOTAS) {
      const read = quotaIn(quota, entered[quota]);
      if (!read) found[quota] = text.operator.quotaWrong(quota === 'apiRate' ? 1 : 0);
      else if (read.value !== undefined) quotas[quota] = read.value;
    }
    setFaults(found);
    if (Object.keys(found).length) return;
    setBusy(true);
    try {
      const body = { name: name.trim(), quotas };
      const saved = await answer(
        account
          ? api.PUT('/brokerd/v1/accounts/{account-id}', {
              params: { path: { 'account-id': account.accountId } },
              body,
            })
          : api.POST('/brokerd/v1/accounts', { body: { ...body, ...(accountId ? { accountId } : {}) } }),
      );
      onSaved(saved);
      onClose();
    } catch (error) {
      setFaults(faultOf(error));
      setBusy(false);
    }
  };

  return (
    <Modal
      visible
      size="large"
      header={account ? text.operator.edit : text.operator.create}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              {text.common.cancel}
            </Button>
            <Button variant="primary" form={FORM} formAction="submit" loading={isBusy}>
              {account ? text.operator.save : text.operator.create}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form id={FORM} onSubmit={submit} noValidate>
        <SpaceBetween size="l">
          <FormField label={text.operator.name} constraintText={text.operator.nameHelp} errorText={faults.name} stretch>
            <Input value={name} onChange={({ detail }) => setName(detail.value)} autoFocus ariaRequired />
          </FormField>
          {account ? null : (
            <FormField
              label={<Optional label={text.operator.id} />}
              constraintText={text.operator.idHelp}
              errorText={faults.accountId}
              stretch
            >
              <Input
                value={accountId}
                onChange={({ detail }) => setAccountId(detail.value.trim())}
                inputMode="numeric"
                autoComplete={false}
              />
            </FormField>
          )}
          <Header variant="h3" description={text.operator.quotasHelp}>
            {text.operator.quotas}
          </Header>
          <ColumnLayout columns={2}>
            {QUOTAS.map((quota) => (
              <FormField
                key={quota}
                label={<Optional label={text.operator.quota[quota]} />}
                description={text.operator.quotaHelp[quota]}
                errorText={faults[quota]}
              >
                <Input
                  value={entered[quota]}
                  onChange={({ detail }) => setEntered((all) => ({ ...all, [quota]: detail.value }))}
                  inputMode="numeric"
                  placeholder={text.operator.unlimited}
                  autoComplete={false}
                />
              </FormField>
            ))}
          </ColumnLayout>
          {faults.whole ? <Alert type="error">{faults.whole}</Alert> : null}
        </SpaceBetween>
      </form>
    </Modal>
  );
}

function Optional({ label }: { label: string }) {
  return (
    <>
      {label} <i>– {text.operator.optional}</i>
    </>
  );
}

/** The field that the server means, such as `name` or `quotas.brokers`. */
function faultOf(error: unknown): Faults {
  const message = error instanceof Error ? error.message : String(error);
  const attribute = error instanceof ApiError ? (error.attribute?.split('.').pop() ?? '') : '';
  const isField = attribute === 'name' || attribute === 'accountId' || QUOTAS.includes(attribute as QuotaName);
  return { [isField ? attribute : 'whole']: message };
}

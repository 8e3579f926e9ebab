// What is asked before changes are saved: are these right, and what if somebody else was faster?
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Modal from '@cloudscape-design/components/modal';
import RadioGroup from '@cloudscape-design/components/radio-group';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useState } from 'react';
import type { EditChange, StaleField } from '../../model/brokerEdit';
import { momentText, nextOpening } from '../../model/maintenanceWindow';
import { rebootEffect } from '../../model/rebootEffect';
import { fieldName, valueText } from '../../shared/broker/values';
import { Problem } from '../../shared/Problem';
import { text } from '../../text';
import type { Broker } from './queries';
import { viewersZone } from './useNow';

const t = text.settings;

interface ReviewProps {
  broker: Broker;
  changes: EditChange[];
  names: Map<string, string>;
  error: unknown;
  isBusy: boolean;
  onSave: (wantsReboot: boolean) => void;
  onClose: () => void;
}

function Changes({ title, changes, names }: { title: string; changes: EditChange[]; names: Map<string, string> }) {
  if (!changes.length) return null;
  return (
    <Table
      variant="embedded"
      wrapLines
      header={<Box variant="h3">{title}</Box>}
      ariaLabels={{ tableLabel: title }}
      items={changes}
      trackBy="field"
      columnDefinitions={[
        {
          id: 'field',
          header: t.pendingField,
          isRowHeader: true,
          minWidth: 130,
          cell: ({ field }) => fieldName(field),
        },
        { id: 'from', header: t.before, minWidth: 110, cell: ({ field, from }) => valueText(field, from, names) },
        {
          id: 'to',
          header: t.after,
          minWidth: 110,
          cell: ({ field, to }) => <Box fontWeight="bold">{valueText(field, to, names)}</Box>,
        },
      ]}
    />
  );
}

/** Shows what is about to be sent, and asks when to reboot. */
export function ReviewDialog({ broker, changes, names, error, isBusy, onSave, onClose }: ReviewProps) {
  const [when, setWhen] = useState('window');
  const waiting = changes.filter((change) => !change.isImmediate);
  const opens = nextOpening(broker.maintenanceWindowStartTime, Date.now());
  const upgrades = waiting.some(({ field }) => field === 'engineVersion');
  const effect = rebootEffect({
    deploymentMode: broker.deploymentMode,
    pendingEngineVersion: upgrades ? 'another' : broker.pendingEngineVersion,
  });
  return (
    <Modal
      visible
      size="large"
      header={t.reviewTitle}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              {text.common.cancel}
            </Button>
            <Button variant="primary" loading={isBusy} onClick={() => onSave(waiting.length > 0 && when === 'now')}>
              {t.save}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="l">
        {error ? <Problem error={error} /> : null}
        <Changes title={t.atOnce} changes={changes.filter((change) => change.isImmediate)} names={names} />
        <Changes title={t.withReboot} changes={waiting} names={names} />
        {waiting.length ? (
          <SpaceBetween size="l">
            <FormField label={t.when}>
              <RadioGroup
                value={when}
                onChange={({ detail }) => setWhen(detail.value)}
                items={[
                  {
                    value: 'window',
                    label: t.whenWindow,
                    description: opens === undefined ? undefined : t.whenWindowHelp(momentText(opens, viewersZone())),
                  },
                  { value: 'now', label: t.whenNow, description: t.whenNowHelp },
                ]}
              />
            </FormField>
            <Alert type="info" header={t.effectTitle}>
              {text.broker.reboot.effects[effect]}
            </Alert>
          </SpaceBetween>
        ) : null}
      </SpaceBetween>
    </Modal>
  );
}

interface StaleProps {
  stale: StaleField[];
  names: Map<string, string>;
  onKeep: () => void;
  onTake: () => void;
  onClose: () => void;
}

/** Shows what somebody else changed, beside what the form would make of it, and asks. */
export function StaleDialog({ stale, names, onKeep, onTake, onClose }: StaleProps) {
  return (
    <Modal
      visible
      size="large"
      header={t.staleTitle}
      closeAriaLabel={text.common.close}
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button onClick={onTake}>{t.takeTheirs}</Button>
            <Button variant="primary" onClick={onKeep}>
              {t.keepMine}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <Alert type="warning">
          {t.staleIntro} {t.keepMineHelp}
        </Alert>
        <Table
          variant="embedded"
          wrapLines
          ariaLabels={{ tableLabel: t.staleTitle }}
          items={stale}
          trackBy="field"
          columnDefinitions={[
            {
              id: 'field',
              header: t.pendingField,
              isRowHeader: true,
              minWidth: 130,
              cell: ({ field }) => fieldName(field),
            },
            {
              id: 'before',
              header: t.whenOpened,
              minWidth: 120,
              cell: ({ field, before }) => valueText(field, before, names),
            },
            {
              id: 'now',
              header: t.onBroker,
              minWidth: 120,
              cell: ({ field, now }) => <Box fontWeight="bold">{valueText(field, now, names)}</Box>,
            },
            {
              id: 'mine',
              header: t.yours,
              minWidth: 120,
              cell: ({ field, mine }) => (mine === undefined ? t.notTouched : valueText(field, mine, names)),
            },
          ]}
        />
      </SpaceBetween>
    </Modal>
  );
}

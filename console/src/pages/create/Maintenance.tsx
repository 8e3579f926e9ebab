// When the broker may be rebooted, and whether patches are installed then.
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Grid from '@cloudscape-design/components/grid';
import Header from '@cloudscape-design/components/header';
import RadioGroup from '@cloudscape-design/components/radio-group';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import TimeInput from '@cloudscape-design/components/time-input';
import Toggle from '@cloudscape-design/components/toggle';
import { isUpgradeForced } from '../../model/create/options';
import { text } from '../../text';
import { Field, useForm } from './form';

const ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];
const DAYS = Object.entries(text.create.days).map(([value, label]) => ({ value, label }));
const SPANS = [0, 1, 2].map(() => ({ colspan: { default: 12, s: 4 } as const }));

export function Maintenance() {
  const { draft, change, touch } = useForm();
  const isForced = isUpgradeForced(draft);
  const time = 'maintenanceWindowStartTime.timeOfDay';
  const used = () => touch(time);
  return (
    <Container header={<Header variant="h2">{text.create.maintenance}</Header>}>
      <SpaceBetween size="l">
        <Field attribute="autoMinorVersionUpgrade">
          <Toggle
            checked={draft.autoMinorVersionUpgrade}
            disabled={isForced}
            description={isForced ? text.create.autoUpgradeForced : text.create.autoUpgradeHelp}
            onChange={({ detail }) => change({ autoMinorVersionUpgrade: detail.checked })}
          >
            {text.create.autoUpgrade}
          </Toggle>
        </Field>
        <FormField label={text.create.window} description={text.create.windowHelp} stretch>
          <RadioGroup
            value={draft.window}
            onChange={({ detail }) => change({ window: detail.value === 'CHOSEN' ? 'CHOSEN' : 'SERVICE' })}
            items={[
              { value: 'SERVICE', label: text.create.windowService, description: text.create.windowServiceHelp },
              { value: 'CHOSEN', label: text.create.windowChosen },
            ]}
          />
        </FormField>
        {draft.window === 'CHOSEN' ? (
          <Grid gridDefinition={SPANS}>
            <Field attribute="maintenanceWindowStartTime.dayOfWeek" label={text.create.day}>
              <Select
                selectedOption={DAYS.find(({ value }) => value === draft.dayOfWeek) ?? null}
                options={DAYS}
                onChange={({ detail }) => change({ dayOfWeek: detail.selectedOption.value ?? '' })}
              />
            </Field>
            <Field attribute={time} label={text.create.time}>
              <TimeInput
                value={draft.timeOfDay}
                format="hh:mm"
                placeholder="hh:mm"
                onBlur={() => touch(time, true)}
                onChange={({ detail }) => {
                  change({ timeOfDay: detail.value });
                  used();
                }}
              />
            </Field>
            <Field attribute="maintenanceWindowStartTime.timeZone" label={text.create.timeZone}>
              <Select
                selectedOption={{ value: draft.timeZone, label: draft.timeZone }}
                options={ZONES.map((value) => ({ value, label: value }))}
                filteringType="auto"
                filteringAriaLabel={text.create.findTimeZone}
                virtualScroll
                onChange={({ detail }) => change({ timeZone: detail.selectedOption.value ?? '' })}
              />
            </Field>
          </Grid>
        ) : null}
      </SpaceBetween>
    </Container>
  );
}

// Step 2: how many instances, and on which storage.
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tiles from '@cloudscape-design/components/tiles';
import type { Mode, Storage } from '../../model/create/draft';
import { modes, storages } from '../../model/create/options';
import { text } from '../../text';
import { Field, useForm } from './form';
import { ClusterPicture, EbsPicture, EfsPicture, PairPicture, SinglePicture } from './pictures';

const MODES = {
  SINGLE_INSTANCE: <SinglePicture />,
  ACTIVE_STANDBY_MULTI_AZ: <PairPicture />,
  CLUSTER_MULTI_AZ: <ClusterPicture />,
};
const STORAGES = { EFS: <EfsPicture />, EBS: <EbsPicture /> };

export function Deployment() {
  const { draft, change, options } = useForm();
  return (
    <SpaceBetween size="l">
      <Container
        header={
          <Header variant="h2" description={text.create.deploymentHelp}>
            {text.create.deployment}
          </Header>
        }
      >
        <Field attribute="deploymentMode" stretch>
          <Tiles
            ariaLabel={text.create.deployment}
            value={draft.deploymentMode}
            ariaRequired
            onChange={({ detail }) => change({ deploymentMode: detail.value as Mode })}
            columns={2}
            items={modes(options, draft.engineType).map((mode) => ({
              value: mode,
              label: text.create.modes[mode],
              description: text.create.modeDescriptions[mode],
              image: MODES[mode],
            }))}
          />
        </Field>
      </Container>
      <Container
        header={
          <Header variant="h2" description={text.create.storageHelp}>
            {text.create.storage}
          </Header>
        }
      >
        <Field attribute="storageType" stretch>
          <Tiles
            ariaLabel={text.create.storage}
            value={draft.storageType}
            ariaRequired
            onChange={({ detail }) => change({ storageType: detail.value as Storage })}
            columns={2}
            items={storages(options, draft.engineType, draft.deploymentMode).map((storage) => ({
              value: storage,
              label: text.create.storages[storage],
              description: text.create.storageDescriptions[storage],
              image: STORAGES[storage],
            }))}
          />
        </Field>
      </Container>
    </SpaceBetween>
  );
}

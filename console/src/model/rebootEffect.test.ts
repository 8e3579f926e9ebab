import assert from 'node:assert/strict';
import test from 'node:test';
import { isChangeable, rebootEffect, rebootRefusal } from './rebootEffect';

test('clients notice a reboot by the deployment mode, and an upgrade stops a whole cluster', () => {
  assert.equal(rebootEffect({ deploymentMode: 'SINGLE_INSTANCE' }), 'SINGLE');
  assert.equal(rebootEffect({ deploymentMode: 'ACTIVE_STANDBY_MULTI_AZ', pendingEngineVersion: '5.19' }), 'PAIR');
  assert.equal(rebootEffect({ deploymentMode: 'CLUSTER_MULTI_AZ' }), 'ROLLING');
  assert.equal(rebootEffect({ deploymentMode: 'CLUSTER_MULTI_AZ', pendingEngineVersion: '4.3' }), 'FULL_STOP');
});

test('a broker is rebooted where the service does, and not during an alarm of RabbitMQ', () => {
  const action = (actionRequiredCode: string) => ({
    brokerState: 'CRITICAL_ACTION_REQUIRED',
    actionsRequired: [{ actionRequiredCode }],
  });
  assert.equal(rebootRefusal({ brokerState: 'RUNNING' }), undefined);
  assert.deepEqual(rebootRefusal({ brokerState: 'REBOOT_IN_PROGRESS' }), { state: 'REBOOT_IN_PROGRESS' });
  assert.equal(rebootRefusal(action('RABBITMQ_INVALID_ARN')), undefined);
  assert.deepEqual(rebootRefusal(action('RABBITMQ_MEMORY_ALARM')), { alarm: 'RABBITMQ_MEMORY_ALARM' });
  assert.deepEqual(['RUNNING', 'CREATION_FAILED'].map(isChangeable), [true, false]);
});

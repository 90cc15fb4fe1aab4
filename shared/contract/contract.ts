/** Everything that the renderer can ask of the backend. Both sides derive their types from this object. */
import type { z } from 'zod';
import { accessCalls, accessStreams, accessTopics } from './access.ts';
import { appCalls, appTopics } from './app.ts';
import { backupCalls } from './backups.ts';
import { catalogCalls, catalogTopics } from './catalog.ts';
import { clusterCalls, clusterTopics } from './clusters.ts';
import { consoleStreams } from './consoles.ts';
import type { ContractDefinition } from './define.ts';
import { imageCalls, imageStreams, imageTopics } from './images.ts';
import { machineActionCalls, machineActionTopics } from './machine-actions.ts';
import { machineCalls, machineTopics } from './machines.ts';
import { manifestCalls } from './manifests.ts';
import { machineTemplateCalls, machineTemplateTopics } from './machine-templates.ts';
import { metricsTopics } from './metrics.ts';
import { newMachineCalls } from './new-machine.ts';
import { placementTopics } from './placement.ts';
import { savedViewCalls, savedViewTopics } from './saved-views.ts';
import { storageTopics } from './storage.ts';
import { taskCalls, taskTopics } from './tasks.ts';

export const contract = {
  calls: { ...accessCalls, ...backupCalls, ...manifestCalls, ...appCalls, ...clusterCalls, ...machineCalls, ...newMachineCalls, ...machineTemplateCalls, ...machineActionCalls, ...taskCalls, ...savedViewCalls, ...imageCalls, ...catalogCalls },
  topics: { ...accessTopics, ...appTopics, ...clusterTopics, ...machineTopics, ...machineActionTopics, ...taskTopics, ...savedViewTopics, ...machineTemplateTopics, ...metricsTopics, ...placementTopics, ...storageTopics, ...imageTopics, ...catalogTopics },
  streams: { ...accessStreams, ...imageStreams, ...consoleStreams },
} satisfies ContractDefinition;

type Contract = typeof contract;

export type CallName = keyof Contract['calls'];
export type CallInput<N extends CallName> = z.input<Contract['calls'][N]['input']>;
export type CallOutput<N extends CallName> = z.output<Contract['calls'][N]['output']>;

export type TopicName = keyof Contract['topics'];
export type TopicParams<N extends TopicName> = z.input<Contract['topics'][N]['params']>;
export type TopicItem<N extends TopicName> = z.output<Contract['topics'][N]['item']>;

export type StreamName = keyof Contract['streams'];
export type StreamParams<N extends StreamName> = z.input<Contract['streams'][N]['params']>;
export type StreamOpened<N extends StreamName> = z.output<Contract['streams'][N]['opened']>;

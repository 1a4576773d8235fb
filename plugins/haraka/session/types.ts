import type { Libraries } from '../libraries.ts';

export type Notes = InstanceType<Libraries['Notes']>;
export type ResultStore = InstanceType<Libraries['ResultStore']>;
export type EnvelopeAddress = InstanceType<Libraries['Address']>;
export type Header = InstanceType<Libraries['message']['Header']>;
export type Body = InstanceType<Libraries['message']['Body']>;
export type MessageStream = InstanceType<Libraries['message']['stream']>;

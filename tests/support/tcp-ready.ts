import { connect } from 'node:net';

/** Connects once and resolves with the first line the server says; rejects when it refuses or is silent for `timeout` ms. */
export const greeting = (port: number, host = '127.0.0.1', timeout = 2_000): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host });
    let text = '';
    const timer = setTimeout(() => socket.destroy(new Error(`no greeting from ${host}:${port}`)), timeout);
    const settle = () => {
      clearTimeout(timer);
      socket.destroy();
    };
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part;
      const end = text.indexOf('\r\n');
      if (end < 0) return;
      settle();
      resolve(text.slice(0, end));
    });
    socket.once('error', (error) => {
      settle();
      reject(error);
    });
    socket.once('close', () => {
      settle();
      reject(new Error(`${host}:${port} closed before its greeting`));
    });
  });

/** Resolves once a connection has been made, and closes it. */
export const connects = (port: number, host = '127.0.0.1'): Promise<true> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', reject);
  });

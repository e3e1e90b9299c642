export * from '@berth/errors/src/wire.ts';

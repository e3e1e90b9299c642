export * from '../../errors/src/wire.ts';

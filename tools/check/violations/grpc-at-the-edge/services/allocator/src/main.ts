import { Server } from '@grpc/grpc-js';

export const server = new Server();

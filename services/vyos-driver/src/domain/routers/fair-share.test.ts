import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fairShare } from './fair-share.ts';

test('the shares of all replicas are enough for all routers, and none is more than one above another', () => {
  for (let routers = 0; routers <= 20; routers++) {
    for (let replicas = 1; replicas <= 8; replicas++) {
      const share = fairShare(routers, replicas);
      assert.ok(share * replicas >= routers);
      assert.ok(share <= 1 || (share - 1) * replicas < routers);
    }
  }
});

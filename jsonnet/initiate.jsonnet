// SPDX-License-Identifier: Apache-2.0
// What Kratos sends to POST /jumio/initiate. Never the whole ctx: it holds the person's session cookie.
function(ctx) {
  identity: { id: ctx.identity.id },
  flow: { id: ctx.flow.id, type: ctx.flow.type },
}

-- SPDX-FileCopyrightText: The network-apiserver authors
-- SPDX-License-Identifier: Apache-2.0

-- Healthy when Ready is True for the newest spec. A peer's missing consent is no fault of this object.
hs = { status = "Progressing", message = "waiting for the server" }
if obj.kind == "LoadBalancerRouting" then
  hs = { status = "Healthy", message = "it has no status" }
elseif obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    if condition.type == "Ready" then
      hs.message = condition.message
      if condition.observedGeneration ~= obj.metadata.generation then
        hs.message = "waiting for a decision on the newest spec"
      elseif condition.status == "True" then
        hs.status = "Healthy"
      elseif obj.status.state == "Error" then
        hs.status = "Degraded"
      end
    end
  end
end
return hs

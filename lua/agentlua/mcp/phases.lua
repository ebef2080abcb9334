-- agentlua.mcp.phases: which agents are offered a tool, {phase = true}. Who has no phase has all tools: people do.

return {
  both = { analyse = true, execute = true }, analyse = { analyse = true }, execute = { execute = true }, people = {},
}

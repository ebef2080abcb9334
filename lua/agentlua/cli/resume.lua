-- agentlua resume [RUN|TASK]

return require("agentlua.cli.stop").command("resume", "let paused agents, and tasks on hold, go on")

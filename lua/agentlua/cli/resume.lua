-- agentlua resume [RUN|TASK]

return require "agentlua.cli.order"("resume", "let paused agents, and tasks on hold, go on")

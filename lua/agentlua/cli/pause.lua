-- agentlua pause [RUN|TASK]

return require "agentlua.cli.order"("pause", "pause the agents that run, whole process trees")

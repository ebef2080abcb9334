-- agentlua pause [RUN|TASK]

return require("agentlua.cli.stop").command("pause", "pause the agents that run, whole process trees")

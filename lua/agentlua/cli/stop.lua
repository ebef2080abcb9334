-- agentlua stop [RUN|TASK]

return require "agentlua.cli.order"("stop", "stop running work: everything, one run, or one task")

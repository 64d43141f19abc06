using Esper.Tamiyo;
using Esper.Tamiyo.Decisions;
using Esper.Tamiyo.Tests.Decisions;

// Started by the tests themselves as the process of a policy: the built-in ones, or one that follows a script.
return args switch
{
    ["policy-host"] => PolicyWorker.Run(GrowthPolicies.Create),
    ["policy-host", var script] => PolicyWorker.Run(_ => new ScriptedPolicy(script)),
    _ => 0,
};

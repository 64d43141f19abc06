using Esper.Tamiyo;
using Esper.Tamiyo.Decisions;
using Esper.Tolaria.Tests;

// Started by the tests themselves as the process of a policy with a time limit.
return args switch
{
    ["policy-host"] => PolicyWorker.Run(GrowthPolicies.Create),
    ["policy-host", "spin"] => PolicyWorker.Run(_ => new SpinningPolicy()),
    _ => 0,
};

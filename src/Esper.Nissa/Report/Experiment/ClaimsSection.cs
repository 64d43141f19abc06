using Esper.Nissa.Experiments;

namespace Esper.Nissa.Report.Experiment;

/// <summary>Every claim with what was measured, its verdict and its rule.</summary>
internal static class ClaimsSection
{
    public static void Write(ExperimentResult result, Markup output)
    {
        output.Open("section").Element("h2", "Claims");
        if (result.Claims.IsEmpty)
        {
            output.Element("p", "The experiment claims nothing.", ("class", "empty")).Close();
            return;
        }

        foreach (ClaimResult claim in result.Claims)
        {
            output.Open("div", ("class", "claim")).Open("h3").Text(claim.Name);
            OverviewSection.Verdict(claim.Verdict, output);
            output.Close();
            if (claim.Text.Length > 0)
            {
                output.Element("p", claim.Text);
            }

            output.Element("p", claim.Reason).Element("p", $"Rule: {claim.Rule}.", ("class", "note")).Close();
        }

        output.Element("p",
            "The rules stand in the plan, which was written before the first run. Intervals are not corrected for the number of claims.",
            ("class", "note")).Close();
    }
}

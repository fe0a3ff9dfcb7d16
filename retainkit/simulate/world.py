"""The invented company's true magnitudes: every number the simulator uses, and what it means.

Rates are per customer and day unless a comment says otherwise. Days are whole local days counted from
`FIRST_DAY`. The exported tables show none of this; the answer key is computed from what these numbers produce.
"""

from __future__ import annotations

import numpy as np

# --- the clock ------------------------------------------------------------------------------------------------
TZ = "America/New_York"  # the business time zone; the export itself stamps everything in UTC
CURRENCY = "USD"
FIRST_DAY = "2021-11-01"  # the company opens: the first of the 60 months lived
MONTHS, MONTHS_EXPORTED = 60, 36  # lived, and of those the last ones exported
EXPORT_START = "2023-11-01"  # the export reaches back 36 months and misses what came before
LAST_DAY = "2026-10-31"  # the last complete day; the export is drawn the next morning
EXPORT_HOUR = 11  # local hour at which it is drawn, so a few rows of the unfinished day are in it
START = int((np.datetime64(EXPORT_START) - np.datetime64(FIRST_DAY)).astype(int))
END = int((np.datetime64(LAST_DAY) - np.datetime64(FIRST_DAY)).astype(int)) + 1

# --- who the customers are ------------------------------------------------------------------------------------
SEGMENTS = ["B2C", "SMB", "MID", "ENT"]  # consumers; small, middle and large firms
SOURCES = ["referral", "inbound", "outbound", "paid"]
REGIONS = ["North", "South", "East", "West"]  # equally likely
SOURCE_SHARE = [0.18, 0.32, 0.24, 0.26]
B2C_PER_MONTH = 39.0  # consumers signing up in the first month ...
GROWTH = 0.25  # ... and how fast that number grows in a year
NO_ORDER = 0.07  # sign-ups that never order anything
SIGN_UP_AHEAD = 0.3  # consumers who sign up before the day of their first order, by up to ...
SIGN_UP_DAYS = 14  # ... so many days

# --- leaving --------------------------------------------------------------------------------------------------
HAZARD = [0.0019, 0.00115, 0.00065, 0.00035]  # by segment, after the first EARLY_DAYS
EARLY_DAYS, EARLY_TIMES = 90, 2.4  # until then the hazard is so many times higher
FRAILTY_VAR = 0.6  # customers differ: gamma multiplier with mean 1 and this variance
SOURCE_HR = [0.75, 1.0, 1.15, 1.25]
TREND = 0.995  # each later month of joining has so much of the hazard of the month before
PROGRAMME = "onboarding programme"
PROGRAMME_HR = 0.7  # multiplies the early hazard of customers who join while it runs
PROGRAMME_MONTH = {"North": 20, "South": 27, "East": 33}  # months after EXPORT_START; never in the West
NON_PAYMENT = 0.15  # contracts that end because nobody paid; the others are cancelled
NOTICE_DAYS = 12  # mean days between the request to cancel and the end
SWITCH = 0.08  # accounts that change plan: one contract ends, the next starts the same day, nobody has left
SWITCH_AGE = (120, 840)  # days after the start between which they do
SWITCH_VALUE = [0.6, 1.3, 1.6, 2.0]  # the new monthly value over the old, equally likely

# --- buying ---------------------------------------------------------------------------------------------------
HABIT_VAR = 0.8  # customers differ: gamma multiplier with mean 1 on both rates below
REPEAT = [(0.0078, 0.0040), (0.0045, 0.0028), (0.006, 0.004), (0.008, 0.006)]  # to day 30, later
REPEAT_DAYS = 30
CROSS = [(0.0030, 0.0011), (0.0042, 0.0013), (0.0040, 0.0015), (0.0036, 0.0018)]  # to day 90, later
CROSS_DAYS = 90
ORDER_VALUE = [(70.0, 0.6), (420.0, 0.7), (1600.0, 0.7), (6000.0, 0.8)]  # median, sd of the log
FIRST_ORDER_DAYS = 2.0  # mean days between the start of a contract and the first order (consumers: the same day)
LINES = ["Beans", "Machines", "Accessories", "Grinders", "Water filters", "Barista classes"]
LINE_WEIGHT = [34.0, 24.0, 16.0, 11.0, 9.0, 6.0]  # how readily a line is taken up
BUNDLE, SECOND_LINE = 0.15, 0.12  # first orders, and repeat orders, with two lines
CANCELLED, REFUNDED, SAME_DAY = 0.02, 0.04, 0.03  # orders cancelled, refunded in full, ordered again that day
REFUND_DAYS, REFUND_SD = 12.0, 0.8  # median days from order to refund, sd of the log
GUESTS = 9  # orders of nobody: guest checkouts without a customer_id
PLAN = "Subscription"  # the product line of recurring invoices

# --- selling to firms -----------------------------------------------------------------------------------------
# SMB, MID and ENT among the firms a desk works
FIRM_SHARE = {"small": [0.8, 0.15, 0.05], "mixed": [0.6, 0.28, 0.12], "large": [0.35, 0.42, 0.23]}
WIN = [np.nan, 0.28, 0.20, 0.13]  # chance of winning by segment, for source odds 1 and an ordinary rep
SOURCE_ODDS = [2.6, 1.1, 0.5, 0.8]
CYCLE, CYCLE_SD = [np.nan, 28.0, 55.0, 95.0], 0.6  # median days to a win, sd of the log
LOSS_TIMES = 1.7  # a loss takes so many times as long to be closed
UNLOGGED = 0.1  # losses that nobody ever closes: they stay open
MONTHLY, MONTHLY_SD = [np.nan, 90.0, 420.0, 1900.0], 0.5  # median contract value a month, sd of the log
AGAIN = 0.15  # closed deals followed by another deal with the same account ...
AGAIN_DAYS = 150.0  # ... opened, on average, so many days later
NO_ACCOUNT = 0.2  # accounts that never sign and for which nobody recorded an account id
REASSIGNED = 0.06  # accounts that have another owner today than the rep who sold
# archetype: (reps, win odds ratio, hazard ratio of leaving, deals a month, first and last share of the 60 months)
ARCHETYPES = {
    "closer_high_churn": (3, 1.75, 2.1, 5.0, 0.0, 1.0),
    "star": (3, 1.5, 0.75, 4.5, 0.0, 1.0),
    "steady": (10, 1.0, 1.0, 4.0, 0.0, 1.0),
    "struggler": (2, 0.6, 1.0, 3.0, 0.0, 1.0),
    "careful": (2, 0.85, 0.65, 3.0, 0.0, 1.0),
    "rookie": (3, 0.9, 1.05, 4.0, 0.8, 1.0),
    "left_company": (2, 1.1, 1.3, 4.0, 0.0, 0.55),
}
DESKS = ["small", "mixed", "large", "mixed"]  # dealt in turn to the steady reps; all others work a mixed desk
NAMES = [  # invented
    "Adaeze Whitlock", "Bram Castellan", "Chiyo Abernathy", "Dario Pellworth", "Esra Lindqvist", "Farid Okonjo",
    "Giulia Marsh", "Hamza Thornbury", "Ines Valdecasas", "Jorunn Park", "Kofi Brandt", "Leilani Duarte",
    "Mateus Oyelaran", "Nadia Kessler", "Orla O'Dwyer", "Priya Hathersage", "Quentin Sørli", "Renata Iwu",
    "Samir Bellweather", "Tomasz Achterberg", "Uma Fairclough", "Veronika Tsang", "Wendell Amaya", "Xiomara Holt",
    "Zoë Rautio",
]  # fmt: skip

# --- asking, spending, using ----------------------------------------------------------------------------------
SURVEY_MONTHS = [4, 10, 16, 22, 28, 34]  # months after EXPORT_START with a survey, which goes out on the 10th
ASKED = 0.7  # share of the customers of a month or more who are asked
AT_RISK_DAYS = 365  # asked customers who will have left so many days later are at risk, and it shows:
SCORE_MEAN, SCORE_SD = {"settled": 8.1, "at_risk": 6.0}, 1.9  # scores before rounding and cutting to 0..10
ANSWERS = {"settled": 0.34, "at_risk": 0.08}  # share who answer
STAFF, STAFF_MEAN, STAFF_ANSWERS = 64, 7.6, 0.69
SPEND = {"referral": 2200.0, "inbound": 9000.0, "outbound": 14000.0, "paid": 26000.0, "retention": 7000.0}
SPEND_SD, SPEND_MONTHS_BEFORE = 0.12, 1  # sd of the log; finance exports one month more
USE = (0.20, 0.065)  # days of use per contract customer and day: first 30 days, later
USE_VAR, QUIET, QUIET_USE, FADE_DAYS = 0.5, 0.15, 0.04, 60  # spread; share who go quiet, and their use; fade-out

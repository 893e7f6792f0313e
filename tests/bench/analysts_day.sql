-- A day of an analyst on the NAFLD study: 200 questions in the order asked, tables persons, labs and events.
-- A line before a question says what it asks; `-- bounds lo hi` are the public bounds of what it aggregates, where a column's own do not say.
-- # Who is in the study
-- How many people are there?
SELECT COUNT(*) AS n FROM persons;
-- How many men and women?
SELECT male, COUNT(*) AS n FROM persons GROUP BY male;
-- Ages in tens
SELECT floor(age / 10) * 10 AS decade, COUNT(*) AS n FROM persons GROUP BY decade;
-- Ages in tens, by sex
SELECT male, floor(age / 10) * 10 AS decade, COUNT(*) AS n FROM persons GROUP BY male, decade;
-- Mean age
SELECT AVG(age) AS mean_age FROM persons;
-- Mean age by sex
SELECT male, AVG(age) AS mean_age FROM persons GROUP BY male;
-- Median age
SELECT MEDIAN(age) AS median_age FROM persons;
-- Spread of ages
SELECT STDDEV_SAMP(age) AS spread FROM persons;
-- How many are over 65?
SELECT COUNT(*) AS n FROM persons WHERE age > 65;
-- How many are over 80?
SELECT COUNT(*) AS n FROM persons WHERE age > 80;
-- Women over 50
SELECT COUNT(*) AS n FROM persons WHERE age > 50 AND NOT male;
-- Three age bands
SELECT CASE WHEN age < 45 THEN 'young' WHEN age < 65 THEN 'middle' ELSE 'old' END AS band, COUNT(*) AS n FROM persons GROUP BY band;
-- Three age bands by sex
SELECT CASE WHEN age < 45 THEN 'young' WHEN age < 65 THEN 'middle' ELSE 'old' END AS band, male, COUNT(*) AS n FROM persons GROUP BY band, male;
-- Share of men
-- bounds 0 1
SELECT AVG(CASE WHEN male THEN 1 ELSE 0 END) AS share FROM persons;
-- Share of men in each decade of age
-- bounds 0 1
SELECT floor(age / 10) * 10 AS decade, AVG(CASE WHEN male THEN 1 ELSE 0 END) AS share FROM persons GROUP BY decade;
-- How many have a measured BMI?
SELECT COUNT(*) AS n FROM persons WHERE bmi IS NOT NULL;
-- How many have a measured weight and height?
SELECT COUNT(*) AS n FROM persons WHERE weight IS NOT NULL AND height IS NOT NULL;
-- Missing BMI by sex
SELECT male, COUNT(*) AS n FROM persons WHERE bmi IS NULL GROUP BY male;
-- Missing BMI by age band
SELECT CASE WHEN age < 45 THEN 'young' WHEN age < 65 THEN 'middle' ELSE 'old' END AS band, COUNT(*) AS n FROM persons WHERE bmi IS NULL GROUP BY band;
-- Every age
SELECT age, COUNT(*) AS n FROM persons GROUP BY age;
-- People from 40 to 60, by sex
SELECT male, COUNT(*) AS n FROM persons WHERE age BETWEEN 40 AND 60 GROUP BY male;
-- Mean age of men over 50
SELECT AVG(age) AS mean_age FROM persons WHERE male AND age > 50;
-- # Bodies
-- Mean BMI
SELECT AVG(bmi) AS mean_bmi FROM persons WHERE bmi IS NOT NULL;
-- Mean BMI by sex
SELECT male, AVG(bmi) AS mean_bmi FROM persons WHERE bmi IS NOT NULL GROUP BY male;
-- Mean BMI by decade of age
SELECT floor(age / 10) * 10 AS decade, AVG(bmi) AS mean_bmi FROM persons WHERE bmi IS NOT NULL GROUP BY decade;
-- Mean BMI by age band
SELECT CASE WHEN age < 45 THEN 'young' WHEN age < 65 THEN 'middle' ELSE 'old' END AS band, AVG(bmi) AS mean_bmi FROM persons WHERE bmi IS NOT NULL GROUP BY band;
-- Mean BMI by age band and sex
SELECT CASE WHEN age < 45 THEN 'young' WHEN age < 65 THEN 'middle' ELSE 'old' END AS band, male, AVG(bmi) AS mean_bmi FROM persons WHERE bmi IS NOT NULL GROUP BY band, male;
-- Median BMI
SELECT MEDIAN(bmi) AS median_bmi FROM persons WHERE bmi IS NOT NULL;
-- Median BMI by sex
SELECT male, MEDIAN(bmi) AS median_bmi FROM persons WHERE bmi IS NOT NULL GROUP BY male;
-- Spread of BMI
SELECT STDDEV_SAMP(bmi) AS spread FROM persons WHERE bmi IS NOT NULL;
-- Variance of BMI by sex
SELECT male, VAR_SAMP(bmi) AS variance FROM persons WHERE bmi IS NOT NULL GROUP BY male;
-- Classes of BMI
SELECT CASE WHEN bmi < 25 THEN 'normal' WHEN bmi < 30 THEN 'overweight' WHEN bmi < 35 THEN 'obese' ELSE 'severely obese' END AS class, COUNT(*) AS n FROM persons WHERE bmi IS NOT NULL GROUP BY class;
-- Classes of BMI by sex
SELECT CASE WHEN bmi < 25 THEN 'normal' WHEN bmi < 30 THEN 'overweight' WHEN bmi < 35 THEN 'obese' ELSE 'severely obese' END AS class, male, COUNT(*) AS n FROM persons WHERE bmi IS NOT NULL GROUP BY class, male;
-- How many are obese?
SELECT COUNT(*) AS n FROM persons WHERE bmi >= 30;
-- How many are severely obese?
SELECT COUNT(*) AS n FROM persons WHERE bmi >= 35;
-- Share of obese people
-- bounds 0 1
SELECT AVG(CASE WHEN bmi >= 30 THEN 1 ELSE 0 END) AS share FROM persons WHERE bmi IS NOT NULL;
-- Share of obese people by sex
-- bounds 0 1
SELECT male, AVG(CASE WHEN bmi >= 30 THEN 1 ELSE 0 END) AS share FROM persons WHERE bmi IS NOT NULL GROUP BY male;
-- Share of obese people by age band
-- bounds 0 1
SELECT CASE WHEN age < 45 THEN 'young' WHEN age < 65 THEN 'middle' ELSE 'old' END AS band, AVG(CASE WHEN bmi >= 30 THEN 1 ELSE 0 END) AS share FROM persons WHERE bmi IS NOT NULL GROUP BY band;
-- Mean weight
SELECT AVG(weight) AS mean_weight FROM persons WHERE weight IS NOT NULL;
-- Mean weight by sex
SELECT male, AVG(weight) AS mean_weight FROM persons WHERE weight IS NOT NULL GROUP BY male;
-- Median weight by sex
SELECT male, MEDIAN(weight) AS median_weight FROM persons WHERE weight IS NOT NULL GROUP BY male;
-- Spread of weight by sex
SELECT male, STDDEV_SAMP(weight) AS spread FROM persons WHERE weight IS NOT NULL GROUP BY male;
-- Mean height
SELECT AVG(height) AS mean_height FROM persons WHERE height IS NOT NULL;
-- Mean height by sex
SELECT male, AVG(height) AS mean_height FROM persons WHERE height IS NOT NULL GROUP BY male;
-- Mean height by decade of age
SELECT floor(age / 10) * 10 AS decade, AVG(height) AS mean_height FROM persons WHERE height IS NOT NULL GROUP BY decade;
-- Men taller than 180 cm
SELECT COUNT(*) AS n FROM persons WHERE male AND height > 180;
-- Heavier than 100 kg, by sex
SELECT male, COUNT(*) AS n FROM persons WHERE weight > 100 GROUP BY male;
-- Heavier than 100 kg, by decade of age
SELECT floor(age / 10) * 10 AS decade, COUNT(*) AS n FROM persons WHERE weight > 100 GROUP BY decade;
-- Underweight
SELECT COUNT(*) AS n FROM persons WHERE bmi < 18.5;
-- BMI in steps of five
SELECT floor(bmi / 5) * 5 AS step, COUNT(*) AS n FROM persons WHERE bmi IS NOT NULL GROUP BY step;
-- Mean weight by age band
SELECT CASE WHEN age < 45 THEN 'young' WHEN age < 65 THEN 'middle' ELSE 'old' END AS band, AVG(weight) AS mean_weight FROM persons WHERE weight IS NOT NULL GROUP BY band;
-- Quarters of BMI: below the middle
SELECT COUNT(*) AS n FROM persons WHERE bmi < 27.5;
-- # Follow-up and deaths
-- Deaths
SELECT COUNT(*) AS n FROM persons WHERE status;
-- Deaths by sex
SELECT male, COUNT(*) AS n FROM persons WHERE status GROUP BY male;
-- Share who died
-- bounds 0 1
SELECT AVG(CASE WHEN status THEN 1 ELSE 0 END) AS share FROM persons;
-- Share who died by sex
-- bounds 0 1
SELECT male, AVG(CASE WHEN status THEN 1 ELSE 0 END) AS share FROM persons GROUP BY male;
-- Share who died by decade of age
-- bounds 0 1
SELECT floor(age / 10) * 10 AS decade, AVG(CASE WHEN status THEN 1 ELSE 0 END) AS share FROM persons GROUP BY decade;
-- Deaths by decade of age
SELECT floor(age / 10) * 10 AS decade, COUNT(*) AS n FROM persons WHERE status GROUP BY decade;
-- Deaths by age band and sex
SELECT CASE WHEN age < 45 THEN 'young' WHEN age < 65 THEN 'middle' ELSE 'old' END AS band, male, COUNT(*) AS n FROM persons WHERE status GROUP BY band, male;
-- Mean follow-up in days
SELECT AVG(futime) AS days FROM persons;
-- Mean follow-up by outcome
SELECT status, AVG(futime) AS days FROM persons GROUP BY status;
-- Mean follow-up by sex
SELECT male, AVG(futime) AS days FROM persons GROUP BY male;
-- Median follow-up
SELECT MEDIAN(futime) AS days FROM persons;
-- Median follow-up by outcome
SELECT status, MEDIAN(futime) AS days FROM persons GROUP BY status;
-- Spread of follow-up
SELECT STDDEV_SAMP(futime) AS spread FROM persons;
-- Person-days of follow-up
SELECT SUM(futime) AS days FROM persons;
-- Person-days of follow-up by sex
SELECT male, SUM(futime) AS days FROM persons GROUP BY male;
-- Person-days of follow-up by decade of age
SELECT floor(age / 10) * 10 AS decade, SUM(futime) AS days FROM persons GROUP BY decade;
-- Years of follow-up, people
SELECT floor(futime / 365) AS years, COUNT(*) AS n FROM persons GROUP BY years;
-- Followed for more than ten years
SELECT COUNT(*) AS n FROM persons WHERE futime > 3650;
-- Died in the first year
SELECT COUNT(*) AS n FROM persons WHERE status AND futime <= 365;
-- Died within five years, by sex
SELECT male, COUNT(*) AS n FROM persons WHERE status AND futime <= 1825 GROUP BY male;
-- Mean age of those who died
SELECT AVG(age) AS mean_age FROM persons WHERE status;
-- Mean age by outcome
SELECT status, AVG(age) AS mean_age FROM persons GROUP BY status;
-- Mean BMI by outcome
SELECT status, AVG(bmi) AS mean_bmi FROM persons WHERE bmi IS NOT NULL GROUP BY status;
-- Share who died by class of BMI
-- bounds 0 1
SELECT CASE WHEN bmi < 25 THEN 'normal' WHEN bmi < 30 THEN 'overweight' WHEN bmi < 35 THEN 'obese' ELSE 'severely obese' END AS class, AVG(CASE WHEN status THEN 1 ELSE 0 END) AS share FROM persons WHERE bmi IS NOT NULL GROUP BY class;
-- Deaths among the obese
SELECT COUNT(*) AS n FROM persons WHERE status AND bmi >= 30;
-- Deaths over 80
SELECT COUNT(*) AS n FROM persons WHERE status AND age > 80;
-- Outcome and sex
SELECT status, male, COUNT(*) AS n FROM persons GROUP BY status, male;
-- Outcome, sex and age band
SELECT status, male, CASE WHEN age < 45 THEN 'young' WHEN age < 65 THEN 'middle' ELSE 'old' END AS band, COUNT(*) AS n FROM persons GROUP BY status, male, band;
-- # Laboratory values
-- How many laboratory rows?
SELECT COUNT(*) AS n FROM labs;
-- Rows by test
SELECT test, COUNT(*) AS n FROM labs GROUP BY test;
-- People by test
SELECT test, COUNT(DISTINCT id) AS n FROM labs GROUP BY test;
-- People with any laboratory value
SELECT COUNT(DISTINCT id) AS n FROM labs;
-- Mean value by test
SELECT test, AVG(value) AS mean_value FROM labs GROUP BY test;
-- Mean HDL
SELECT AVG(value) AS mean_value FROM labs WHERE test = 'hdl';
-- Mean cholesterol
SELECT AVG(value) AS mean_value FROM labs WHERE test = 'chol';
-- Mean systolic pressure
SELECT AVG(value) AS mean_value FROM labs WHERE test = 'sbp';
-- Mean diastolic pressure
SELECT AVG(value) AS mean_value FROM labs WHERE test = 'dbp';
-- Mean FIB-4 score
-- bounds 0 30
SELECT AVG(clamp(value, 0, 30)) AS mean_value FROM labs WHERE test = 'fib4';
-- Share of visits where people smoked
-- bounds 0 1
SELECT AVG(clamp(value, 0, 1)) AS share FROM labs WHERE test = 'smoke';
-- Mean HDL, clamped to what is plausible
-- bounds 10 120
SELECT AVG(clamp(value, 10, 120)) AS mean_value FROM labs WHERE test = 'hdl';
-- Median HDL
-- bounds 10 120
SELECT MEDIAN(clamp(value, 10, 120)) AS median_value FROM labs WHERE test = 'hdl';
-- Median systolic pressure
-- bounds 60 240
SELECT MEDIAN(clamp(value, 60, 240)) AS median_value FROM labs WHERE test = 'sbp';
-- Spread of HDL
-- bounds 10 120
SELECT STDDEV_SAMP(clamp(value, 10, 120)) AS spread FROM labs WHERE test = 'hdl';
-- Spread of systolic pressure
-- bounds 60 240
SELECT STDDEV_SAMP(clamp(value, 60, 240)) AS spread FROM labs WHERE test = 'sbp';
-- People with low HDL
SELECT COUNT(DISTINCT id) AS n FROM labs WHERE test = 'hdl' AND value < 40;
-- People with very low HDL
SELECT COUNT(DISTINCT id) AS n FROM labs WHERE test = 'hdl' AND value < 30;
-- People with high systolic pressure
SELECT COUNT(DISTINCT id) AS n FROM labs WHERE test = 'sbp' AND value > 140;
-- People with very high systolic pressure
SELECT COUNT(DISTINCT id) AS n FROM labs WHERE test = 'sbp' AND value > 180;
-- People with high FIB-4
SELECT COUNT(DISTINCT id) AS n FROM labs WHERE test = 'fib4' AND value > 2.67;
-- People with FIB-4 measured
SELECT COUNT(DISTINCT id) AS n FROM labs WHERE test = 'fib4';
-- People who ever smoked
SELECT COUNT(DISTINCT id) AS n FROM labs WHERE test = 'smoke' AND value = 1;
-- Tests before entry
SELECT test, COUNT(*) AS n FROM labs WHERE days < 0 GROUP BY test;
-- Tests after entry
SELECT test, COUNT(*) AS n FROM labs WHERE days >= 0 GROUP BY test;
-- Mean value by test before entry
SELECT test, AVG(value) AS mean_value FROM labs WHERE days < 0 GROUP BY test;
-- Mean value by test after entry
SELECT test, AVG(value) AS mean_value FROM labs WHERE days >= 0 GROUP BY test;
-- People tested in the year of entry
SELECT COUNT(DISTINCT id) AS n FROM labs WHERE days BETWEEN 0 AND 365;
-- People with HDL in the year of entry
SELECT COUNT(DISTINCT id) AS n FROM labs WHERE test = 'hdl' AND days BETWEEN 0 AND 365;
-- HDL in steps of ten
SELECT floor(clamp(value, 0, 119) / 10) * 10 AS step, COUNT(*) AS n FROM labs WHERE test = 'hdl' GROUP BY step;
-- Systolic pressure in steps of twenty
SELECT floor(clamp(value, 60, 219) / 20) * 20 AS step, COUNT(*) AS n FROM labs WHERE test = 'sbp' GROUP BY step;
-- Mean HDL by years from entry
-- bounds 10 120
SELECT floor(clamp(days, 0, 3649) / 730) AS period, AVG(clamp(value, 10, 120)) AS mean_value FROM labs WHERE test = 'hdl' AND days >= 0 GROUP BY period;
-- Mean systolic pressure by years from entry
-- bounds 60 240
SELECT floor(clamp(days, 0, 3649) / 730) AS period, AVG(clamp(value, 60, 240)) AS mean_value FROM labs WHERE test = 'sbp' AND days >= 0 GROUP BY period;
-- # Laboratory values of whom
-- Mean HDL by sex
-- bounds 10 120
SELECT male, AVG(clamp(value, 10, 120)) AS mean_value FROM labs JOIN persons USING (id) WHERE test = 'hdl' GROUP BY male;
-- Mean HDL by age band
-- bounds 10 120
SELECT CASE WHEN age < 45 THEN 'young' WHEN age < 65 THEN 'middle' ELSE 'old' END AS band, AVG(clamp(value, 10, 120)) AS mean_value FROM labs JOIN persons USING (id) WHERE test = 'hdl' GROUP BY band;
-- Mean systolic pressure by sex
-- bounds 60 240
SELECT male, AVG(clamp(value, 60, 240)) AS mean_value FROM labs JOIN persons USING (id) WHERE test = 'sbp' GROUP BY male;
-- Mean systolic pressure by decade of age
-- bounds 60 240
SELECT floor(age / 10) * 10 AS decade, AVG(clamp(value, 60, 240)) AS mean_value FROM labs JOIN persons USING (id) WHERE test = 'sbp' GROUP BY decade;
-- Mean value by test and sex
SELECT test, male, AVG(value) AS mean_value FROM labs JOIN persons USING (id) GROUP BY test, male;
-- Mean value by test and outcome
SELECT test, status, AVG(value) AS mean_value FROM labs JOIN persons USING (id) GROUP BY test, status;
-- Mean HDL by outcome
-- bounds 10 120
SELECT status, AVG(clamp(value, 10, 120)) AS mean_value FROM labs JOIN persons USING (id) WHERE test = 'hdl' GROUP BY status;
-- Mean HDL of the obese
-- bounds 10 120
SELECT AVG(clamp(value, 10, 120)) AS mean_value FROM labs JOIN persons USING (id) WHERE test = 'hdl' AND bmi >= 30;
-- Mean HDL by class of BMI
-- bounds 10 120
SELECT CASE WHEN bmi < 25 THEN 'normal' WHEN bmi < 30 THEN 'overweight' WHEN bmi < 35 THEN 'obese' ELSE 'severely obese' END AS class, AVG(clamp(value, 10, 120)) AS mean_value FROM labs JOIN persons USING (id) WHERE test = 'hdl' AND bmi IS NOT NULL GROUP BY class;
-- People tested by sex
SELECT male, COUNT(DISTINCT id) AS n FROM labs JOIN persons USING (id) GROUP BY male;
-- People with low HDL by sex
SELECT male, COUNT(DISTINCT id) AS n FROM labs JOIN persons USING (id) WHERE test = 'hdl' AND value < 40 GROUP BY male;
-- People with high systolic pressure by age band
SELECT CASE WHEN age < 45 THEN 'young' WHEN age < 65 THEN 'middle' ELSE 'old' END AS band, COUNT(DISTINCT id) AS n FROM labs JOIN persons USING (id) WHERE test = 'sbp' AND value > 140 GROUP BY band;
-- Laboratory rows by sex
SELECT male, COUNT(*) AS n FROM labs JOIN persons USING (id) GROUP BY male;
-- Laboratory rows by decade of age
SELECT floor(age / 10) * 10 AS decade, COUNT(*) AS n FROM labs JOIN persons USING (id) GROUP BY decade;
-- Smokers by sex
SELECT male, COUNT(DISTINCT id) AS n FROM labs JOIN persons USING (id) WHERE test = 'smoke' AND value = 1 GROUP BY male;
-- High FIB-4 by outcome
SELECT status, COUNT(DISTINCT id) AS n FROM labs JOIN persons USING (id) WHERE test = 'fib4' AND value > 2.67 GROUP BY status;
-- Median HDL by sex
-- bounds 10 120
SELECT male, MEDIAN(clamp(value, 10, 120)) AS median_value FROM labs JOIN persons USING (id) WHERE test = 'hdl' GROUP BY male;
-- # Diagnoses
-- How many diagnoses?
SELECT COUNT(*) AS n FROM events;
-- People with any diagnosis
SELECT COUNT(DISTINCT id) AS n FROM events;
-- People by diagnosis
SELECT event, COUNT(DISTINCT id) AS n FROM events GROUP BY event;
-- Rows by diagnosis
SELECT event, COUNT(*) AS n FROM events GROUP BY event;
-- People with diabetes
SELECT COUNT(DISTINCT id) AS n FROM events WHERE event = 'diabetes';
-- People with hypertension
SELECT COUNT(DISTINCT id) AS n FROM events WHERE event = 'htn';
-- People with dyslipidaemia
SELECT COUNT(DISTINCT id) AS n FROM events WHERE event = 'dyslipidemia';
-- People with fatty liver disease
SELECT COUNT(DISTINCT id) AS n FROM events WHERE event = 'nafld';
-- People with heart failure
SELECT COUNT(DISTINCT id) AS n FROM events WHERE event = 'heart failure';
-- People with a stroke
SELECT COUNT(DISTINCT id) AS n FROM events WHERE event = 'stroke';
-- People with an infarction
SELECT COUNT(DISTINCT id) AS n FROM events WHERE event = 'MI';
-- People with a diagnosis before entry
SELECT COUNT(DISTINCT id) AS n FROM events WHERE days < 0;
-- People with a diagnosis after entry
SELECT COUNT(DISTINCT id) AS n FROM events WHERE days > 0;
-- New diabetes after entry
SELECT COUNT(DISTINCT id) AS n FROM events WHERE event = 'diabetes' AND days > 0;
-- Diabetes before entry
SELECT COUNT(DISTINCT id) AS n FROM events WHERE event = 'diabetes' AND days <= 0;
-- People with diabetes by sex
SELECT male, COUNT(DISTINCT id) AS n FROM events JOIN persons USING (id) WHERE event = 'diabetes' GROUP BY male;
-- People with diabetes by age band
SELECT CASE WHEN age < 45 THEN 'young' WHEN age < 65 THEN 'middle' ELSE 'old' END AS band, COUNT(DISTINCT id) AS n FROM events JOIN persons USING (id) WHERE event = 'diabetes' GROUP BY band;
-- People with hypertension by sex
SELECT male, COUNT(DISTINCT id) AS n FROM events JOIN persons USING (id) WHERE event = 'htn' GROUP BY male;
-- People with hypertension by decade of age
SELECT floor(age / 10) * 10 AS decade, COUNT(DISTINCT id) AS n FROM events JOIN persons USING (id) WHERE event = 'htn' GROUP BY decade;
-- People with fatty liver disease by sex
SELECT male, COUNT(DISTINCT id) AS n FROM events JOIN persons USING (id) WHERE event = 'nafld' GROUP BY male;
-- People with fatty liver disease by class of BMI
SELECT CASE WHEN bmi < 25 THEN 'normal' WHEN bmi < 30 THEN 'overweight' WHEN bmi < 35 THEN 'obese' ELSE 'severely obese' END AS class, COUNT(DISTINCT id) AS n FROM events JOIN persons USING (id) WHERE event = 'nafld' AND bmi IS NOT NULL GROUP BY class;
-- People by diagnosis and sex
SELECT event, male, COUNT(DISTINCT id) AS n FROM events JOIN persons USING (id) GROUP BY event, male;
-- People by diagnosis and outcome
SELECT event, status, COUNT(DISTINCT id) AS n FROM events JOIN persons USING (id) GROUP BY event, status;
-- Diagnoses by sex
SELECT male, COUNT(*) AS n FROM events JOIN persons USING (id) GROUP BY male;
-- # Cohorts
-- Mean age of people with diabetes
SELECT AVG(age) AS mean_age FROM persons WHERE id IN (SELECT id FROM events WHERE event = 'diabetes');
-- Mean BMI of people with diabetes
SELECT AVG(bmi) AS mean_bmi FROM persons WHERE bmi IS NOT NULL AND id IN (SELECT id FROM events WHERE event = 'diabetes');
-- Deaths among people with diabetes
SELECT COUNT(*) AS n FROM persons WHERE status AND id IN (SELECT id FROM events WHERE event = 'diabetes');
-- Share who died with diabetes
-- bounds 0 1
SELECT AVG(CASE WHEN status THEN 1 ELSE 0 END) AS share FROM persons WHERE id IN (SELECT id FROM events WHERE event = 'diabetes');
-- Mean age with fatty liver disease
SELECT AVG(age) AS mean_age FROM persons WHERE id IN (SELECT id FROM events WHERE event = 'nafld');
-- Mean BMI with fatty liver disease
SELECT AVG(bmi) AS mean_bmi FROM persons WHERE bmi IS NOT NULL AND id IN (SELECT id FROM events WHERE event = 'nafld');
-- Share who died with fatty liver disease
-- bounds 0 1
SELECT AVG(CASE WHEN status THEN 1 ELSE 0 END) AS share FROM persons WHERE id IN (SELECT id FROM events WHERE event = 'nafld');
-- Share who died with fatty liver disease, by sex
-- bounds 0 1
SELECT male, AVG(CASE WHEN status THEN 1 ELSE 0 END) AS share FROM persons WHERE id IN (SELECT id FROM events WHERE event = 'nafld') GROUP BY male;
-- Mean follow-up with fatty liver disease
SELECT AVG(futime) AS days FROM persons WHERE id IN (SELECT id FROM events WHERE event = 'nafld');
-- Both fatty liver disease and diabetes
SELECT COUNT(*) AS n FROM persons WHERE id IN (SELECT id FROM events WHERE event = 'nafld') AND id IN (SELECT id FROM events WHERE event = 'diabetes');
-- No diagnosis at all
SELECT COUNT(*) AS n FROM persons WHERE id NOT IN (SELECT id FROM events);
-- No diagnosis at all, by sex
SELECT male, COUNT(*) AS n FROM persons WHERE id NOT IN (SELECT id FROM events) GROUP BY male;
-- Ages in tens with fatty liver disease
SELECT floor(age / 10) * 10 AS decade, COUNT(*) AS n FROM persons WHERE id IN (SELECT id FROM events WHERE event = 'nafld') GROUP BY decade;
-- Mean BMI with hypertension
SELECT AVG(bmi) AS mean_bmi FROM persons WHERE bmi IS NOT NULL AND id IN (SELECT id FROM events WHERE event = 'htn');
-- Deaths with hypertension, by sex
SELECT male, COUNT(*) AS n FROM persons WHERE status AND id IN (SELECT id FROM events WHERE event = 'htn') GROUP BY male;
-- # Per person
-- Laboratory rows a person
-- bounds 0 60
SELECT AVG(k) AS mean_rows FROM (SELECT id, COUNT(*) AS k FROM labs GROUP BY id) AS counted;
-- People with more than twenty laboratory rows
SELECT COUNT(*) AS n FROM (SELECT id, COUNT(*) AS k FROM labs GROUP BY id) AS counted WHERE k > 20;
-- People by number of laboratory rows
SELECT floor(least(k, 59) / 10) * 10 AS tens, COUNT(*) AS n FROM (SELECT id, COUNT(*) AS k FROM labs GROUP BY id) AS counted GROUP BY tens;
-- Diagnoses a person
-- bounds 0 10
SELECT AVG(k) AS mean_diagnoses FROM (SELECT id, COUNT(*) AS k FROM events GROUP BY id) AS counted;
-- People by number of diagnoses
SELECT k, COUNT(*) AS n FROM (SELECT id, COUNT(*) AS k FROM events GROUP BY id) AS counted GROUP BY k;
-- People with three diagnoses or more
SELECT COUNT(*) AS n FROM (SELECT id, COUNT(*) AS k FROM events GROUP BY id) AS counted WHERE k >= 3;
-- Mean of each person's highest systolic pressure
-- bounds 60 240
SELECT AVG(top) AS mean_top FROM (SELECT id, MAX(clamp(value, 60, 240)) AS top FROM labs WHERE test = 'sbp' GROUP BY id) AS highest;
-- People whose highest systolic pressure passed 160
SELECT COUNT(*) AS n FROM (SELECT id, MAX(clamp(value, 60, 240)) AS top FROM labs WHERE test = 'sbp' GROUP BY id) AS highest WHERE top > 160;
-- Mean of each person's lowest HDL
-- bounds 10 120
SELECT AVG(low) AS mean_low FROM (SELECT id, MIN(clamp(value, 10, 120)) AS low FROM labs WHERE test = 'hdl' GROUP BY id) AS lowest;
-- Mean of each person's mean HDL
-- bounds 10 120
SELECT AVG(m) AS mean_mean FROM (SELECT id, AVG(clamp(value, 10, 120)) AS m FROM labs WHERE test = 'hdl' GROUP BY id) AS means;
-- # Writing it up: the same again, coarser, and spelt another way
-- People, again
SELECT COUNT(*) AS n FROM persons;
-- Sexes, again
SELECT male, COUNT(*) AS people FROM persons GROUP BY male;
-- Women, from the table by sex
SELECT COUNT(*) AS n FROM persons WHERE NOT male;
-- Men
SELECT COUNT(*) AS n FROM persons WHERE male;
-- Outcome alone
SELECT status, COUNT(*) AS n FROM persons GROUP BY status;
-- Over 65, spelt another way
SELECT COUNT(*) AS n FROM persons WHERE 65 < age;
-- Over 50 and a woman, spelt another way
SELECT COUNT(*) AS n FROM persons WHERE NOT male AND age > 50;
-- Mean age, again
SELECT AVG(age) AS age FROM persons;
-- Mean BMI by sex, again
SELECT male, AVG(bmi) AS bmi FROM persons WHERE bmi IS NOT NULL GROUP BY male ORDER BY male;
-- Ages in tens, again
SELECT floor(age / 10) * 10 AS decade, COUNT(*) AS people FROM persons GROUP BY 1 ORDER BY 1;
-- Age band alone
SELECT CASE WHEN age < 45 THEN 'young' WHEN age < 65 THEN 'middle' ELSE 'old' END AS band, COUNT(*) AS people FROM persons GROUP BY band;
-- Classes of BMI, again
SELECT CASE WHEN bmi < 25 THEN 'normal' WHEN bmi < 30 THEN 'overweight' WHEN bmi < 35 THEN 'obese' ELSE 'severely obese' END AS class, COUNT(*) AS people FROM persons WHERE bmi IS NOT NULL GROUP BY class;
-- Person-days by outcome
SELECT status, SUM(futime) AS days FROM persons GROUP BY status;
-- Person-days in all, again
SELECT SUM(futime) AS total FROM persons;
-- Deaths, again
SELECT COUNT(*) AS deaths FROM persons WHERE status;
-- Deaths by sex, again
SELECT male, COUNT(*) AS deaths FROM persons WHERE status GROUP BY male;
-- Rows by test, again
SELECT test, COUNT(*) AS lab_rows FROM labs GROUP BY test;
-- Laboratory rows in all, again
SELECT COUNT(*) AS lab_rows FROM labs;
-- Mean HDL by sex, again
-- bounds 10 120
SELECT male, AVG(clamp(value, 10, 120)) AS hdl FROM labs JOIN persons USING (id) WHERE test = 'hdl' GROUP BY male;
-- People with diabetes, again
SELECT COUNT(DISTINCT id) AS people FROM events WHERE event = 'diabetes';
-- Median age, again
SELECT MEDIAN(age) AS age FROM persons;
